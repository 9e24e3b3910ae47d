//! A cgroup for a process.

use std::fs;

use crate::common::eventually;

/// A cgroup, removed on drop.
pub(crate) struct OwnCgroup(pub(crate) String);

impl OwnCgroup {
    /// `None` if this process cannot make one.
    pub(crate) fn new() -> Option<Self> {
        Self::of(" cgroup2 ")
    }

    /// A cgroup of version 1 in the hierarchy of the freezer.
    pub(crate) fn freezer() -> Option<Self> {
        Self::of("/freezer cgroup ")
    }

    /// A cgroup below the mount whose line contains `mount`.
    fn of(mount: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        let line = mounts.lines().find(|line| line.contains(mount))?;
        let path = format!("{}/{}", line.split(' ').nth(1)?, ns_testbed::own_name());
        fs::create_dir(&path).ok()?;
        Some(Self(path))
    }
}

impl Drop for OwnCgroup {
    fn drop(&mut self) {
        eventually("the cgroup is empty", || fs::remove_dir(&self.0).is_ok());
    }
}
