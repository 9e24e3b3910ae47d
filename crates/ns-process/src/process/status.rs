//! How the process ended, though the kernel tells it once and perhaps to somebody else.

use std::format;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::PoisonError;

use ns_sys::{Errno, WaitFlags, WaitStatus, pidfd_get_info, waitid_pidfd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Process;
use crate::error::Error;
use crate::step::Step;

/// Longer than any reaping takes; kernels before 6.9 never hang up.
const HANGUP_LIMIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

impl Process {
    /// The exit code, `-N` after signal N, as Python's `exitcode`; `None` while the process runs.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    #[doc(alias = "exitcode")]
    pub fn exit_code(&self) -> Result<Option<i32>, Error> {
        let status = self.join_timeout(std::time::Duration::ZERO)?;
        Ok(status.and_then(|ended| ended.code().or(ended.signal().map(|signal| -signal))))
    }

    pub(super) fn known_status(&self) -> Option<ExitStatus> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reaps an ended process, or learns what whoever reaped it was told; `None` while the kernel
    /// keeps it for a tracer.
    pub(super) fn collect(&self) -> Result<Option<ExitStatus>, Error> {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_some() {
            return Ok(*status);
        }
        let word = match waitid_pidfd(self, WaitFlags::ALL | WaitFlags::NOHANG) {
            Ok(None) => return Ok(None),
            Ok(ended) => ended,
            Err(Errno::CHILD) if self.tie.is_sibling && !self.has_hung_up(AT_ONCE) => {
                return Ok(None);
            }
            Err(Errno::CHILD) => Some(self.told_after_reap()?),
            Err(errno) => return Err(self.failed(Step::Wait, errno)),
        };
        *status = word.map(WaitStatus::as_raw).map(ExitStatus::from_raw);
        Ok(*status)
    }

    /// What the kernel still tells of a process that somebody else reaped.
    fn told_after_reap(&self) -> Result<WaitStatus, Error> {
        let ask = || pidfd_get_info(self).ok().and_then(|info| info.exit_status);
        ask()
            // Between the reaping and its last act the kernel has no answer yet; then it hangs up.
            .or_else(|| self.has_hung_up(HANGUP_LIMIT).then(ask).flatten())
            .ok_or_else(|| self.status_lost())
    }

    /// Whether the process has been reaped, by anybody.
    fn has_hung_up(&self, limit: Timespec) -> bool {
        let mut hangup = [PollFd::new(self, PollFlags::empty())];
        rustix::io::retry_on_intr(|| poll(&mut hangup, Some(&limit))).is_ok_and(|count| count == 1)
    }

    fn status_lost(&self) -> Error {
        let hint = "SIGCHLD is ignored or somebody else reaped it; Linux 6.15 tells all the same";
        Error::new(self.name(), Step::Wait)
            .with_object(format!("the status of process {} is lost", self.pid()))
            .with_hint(Some(hint))
    }

    pub(super) fn failed(&self, step: Step, errno: Errno) -> Error {
        Error::new(self.name(), step)
            .with_errno(errno)
            .with_object(format!("process {}", self.pid()))
    }
}
