//! How the process ended, though the kernel tells it once and perhaps to somebody else.

use std::format;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::PoisonError;

use ns_sys::{Errno, WaitFlags, WaitStatus, pidfd_get_info, waitid_pidfd};

use super::Process;
use super::hangup::{AT_ONCE, LONG_ENOUGH, has_hung_up};
use super::unreaped::told_before_reap;
use crate::error::Error;
use crate::step::Step;

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

    /// Reaps an ended process, or learns what whoever reaps it is told; `None` while the kernel
    /// keeps it for a tracer, or for a parent, and does not tell the caller.
    pub(super) fn collect(&self) -> Result<Option<ExitStatus>, Error> {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_some() {
            return Ok(*status);
        }
        let own = match waitid_pidfd(self, WaitFlags::ALL | WaitFlags::NOHANG) {
            Ok(None) => return Ok(None),
            Ok(Some(ended)) => Ok(ended),
            Err(Errno::CHILD) if self.tie.is_sibling && !has_hung_up(self, AT_ONCE) => {
                match told_before_reap(self) {
                    Ok(Some(told)) => Ok(told),
                    Ok(None) => return Ok(None),
                    Err(_reaped) => self.told_after_reap(),
                }
            }
            Err(Errno::CHILD) => self.told_after_reap(),
            Err(errno) => return Err(self.failed(Step::Wait, errno)),
        };
        let told = self.told_by_init().map_or_else(|| self.without_word(own?), Ok)?;
        *status = Some(ExitStatus::from_raw(told.as_raw()));
        Ok(*status)
    }

    /// What the kernel still tells of a process that somebody else reaped.
    fn told_after_reap(&self) -> Result<WaitStatus, Error> {
        let ask = || pidfd_get_info(self).ok().and_then(|info| info.exit_status);
        ask()
            .or_else(|| has_hung_up(self, LONG_ENOUGH).then(ask).flatten())
            .ok_or_else(|| self.status_lost())
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
