//! The first process of a container, recognized although process IDs are reused.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ns_process::{Errno, Signal};
use ns_sys::{pidfd_open, pidfd_send_signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

/// A process ID with the time at which the process started, in clock ticks since boot.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Init {
    pub(crate) pid: u32,
    pub(crate) start_time: u64,
}

/// How long a killed process may take to exit.
const EXIT: Duration = Duration::from_secs(10);

impl Init {
    /// The process that has this ID now.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = Stat::read(pid).with_context(|| format!("/proc/{pid}/stat"))?;
        Ok(Self { pid, start_time: stat.start_time })
    }

    /// Whether the process exists and has not exited.
    pub(crate) fn is_alive(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.start_time == self.start_time && stat.runs())
    }

    /// Whether the process waits to execute the program of its container, as far as that can be
    /// seen.
    pub(crate) fn is_parked(self) -> bool {
        let exe = fs::read_link(format!("/proc/{}/exe", self.pid));
        exe.map_or(true, |exe| exe.as_os_str() == "/memfd:gate (deleted)" || is_temporary(&exe))
    }

    /// The pidfd, if the process is alive.
    pub(crate) fn open(self) -> Result<Option<OwnedFd>> {
        match pidfd_open(self.pid) {
            // The ID may have been reused before it was opened, not after.
            Ok(pidfd) => Ok(self.is_alive().then_some(pidfd)),
            Err(Errno::SRCH) => Ok(None),
            Err(errno) => Err(errno).with_context(|| format!("pidfd_open: process {}", self.pid)),
        }
    }

    /// Sends a signal. Returns whether the process was alive.
    pub(crate) fn signal(self, signal: Signal) -> Result<bool> {
        let Some(pidfd) = self.open()? else { return Ok(false) };
        match pidfd_send_signal(&pidfd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(errno) => Err(errno).with_context(|| format!("{signal}: process {}", self.pid)),
        }
    }

    /// Kills the process, and waits until it has exited.
    pub(crate) fn kill(self) -> Result<()> {
        let Some(pidfd) = self.open()? else { return Ok(()) };
        match pidfd_send_signal(&pidfd, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(errno) => return Err(errno).with_context(|| format!("process {}", self.pid)),
        }
        let exited = wait_for_exit(&pidfd, EXIT)?;
        ensure!(exited, "process {} does not exit, although it was killed", self.pid);
        Ok(())
    }
}

/// A start with `vm.memfd_noexec` executes a deleted file instead of a memory file.
fn is_temporary(exe: &Path) -> bool {
    let name = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("gate") && name.ends_with(" (deleted)")
}

fn wait_for_exit(pidfd: &impl AsFd, limit: Duration) -> Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).context("time limit")?;
        let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).context("poll"),
        }
    }
}

/// The fields of proc_pid_stat(5) that are used here.
struct Stat {
    state: char,
    start_time: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name of the program, the second field, may contain anything: the last parenthesis ends
    /// it.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let start_time = fields.nth(18)?.parse().ok()?;
        Some(Self { state, start_time })
    }

    fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::{Init, Stat};

    #[test]
    fn a_name_with_parentheses_is_skipped() {
        let rest = "0 ".repeat(18);
        let stat = Stat::parse(&format!("7 (a) Z 1) S {rest}4242 0")).expect("valid");
        assert_eq!((stat.state, stat.start_time), ('S', 4242));
    }

    #[test]
    fn another_process_with_the_same_id_is_not_taken_for_it() {
        let own = Init::of(std::process::id()).expect("proc");
        assert!(own.is_alive());
        let other = Init { start_time: own.start_time + 1, ..own };
        assert!(!other.is_alive());
        assert!(other.open().expect("pidfd").is_none());
    }
}
