//! A cgroup for a program.

use std::fs;
use std::time::Instant;

use ns_testbed::LONG;

/// A cgroup of version 2, removed on drop.
pub(crate) struct OwnCgroup(String);

impl OwnCgroup {
    /// `None` if this process cannot make one.
    pub(crate) fn new() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("read the mounts");
        let line = mounts.lines().find(|line| line.contains(" cgroup2 "))?;
        let path = format!("{}/{}", line.split(' ').nth(1)?, ns_testbed::own_name());
        fs::create_dir(&path).ok()?;
        Some(Self(path))
    }

    pub(crate) fn path(&self) -> &str {
        &self.0
    }
}

/// A process that has exited may still be in the cgroup for a moment.
impl Drop for OwnCgroup {
    fn drop(&mut self) {
        let deadline = Instant::now() + LONG;
        while fs::remove_dir(&self.0).is_err() && Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}
