//! How the process ended, though the kernel tells it once and perhaps to somebody else.

use std::format;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::Duration;

use ns_sys::{Errno, WaitFlags, WaitStatus, pidfd_get_info, waitid_pidfd};

use super::hangup::{LONG_ENOUGH, has_hung_up};
use super::unreaped::told_before_reap;
use super::{End, Process};
use crate::error::Error;
use crate::step::Step;

impl Process {
    /// The exit code, `-N` after signal N, as Python's `exitcode`; `None` while the process runs.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    #[doc(alias = "exitcode")]
    pub fn exit_code(&self) -> Result<Option<i32>, Error> {
        let status = self.join_timeout(Duration::ZERO)?;
        Ok(status.and_then(|ended| ended.code().or(ended.signal().map(|signal| -signal))))
    }

    pub(super) fn known_status(&self) -> Option<ExitStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).map(|end| end.status)
    }

    /// Reaps an ended process, or reads its status from proc while a tracer or another parent has yet to reap
    /// it; `None` where proc does not say.
    pub(super) fn collect(&self) -> Result<Option<ExitStatus>, Error> {
        let mut end = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = *end {
            return Ok(Some(known.status));
        }
        let waited = waitid_pidfd(self, WaitFlags::ALL | WaitFlags::NOHANG);
        let is_kept = waited == Ok(None);
        let own = match waited {
            Ok(Some(ended)) => Ok(ended),
            Ok(None) => match told_before_reap(self) {
                Ok(Some(told)) => Ok(told),
                Ok(None) | Err(_) => return Ok(None),
            },
            Err(Errno::CHILD)
                if self.drop_policy.is_sibling && !has_hung_up(self, Duration::ZERO) =>
            {
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
        let status = ExitStatus::from_raw(told.as_raw());
        *end = Some(End { status, is_kept });
        Ok(Some(status))
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

    /// The error of a process that does not end, or whose end is not told.
    pub(super) fn held(&self) -> Error {
        let hint = "something keeps it: its tracer, or a file system that does not answer";
        self.failed(Step::Wait, Errno::TIMEDOUT).with_hint(Some(hint))
    }

    pub(super) fn failed(&self, step: Step, errno: Errno) -> Error {
        Error::new(self.name(), step)
            .with_errno(errno)
            .with_object(format!("process {}", self.pid()))
    }
}
