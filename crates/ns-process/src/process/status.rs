//! The status of the process, which the kernel returns only once, possibly to another waiter.

use std::format;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use ns_sys::{Errno, WaitStatus, pidfd_get_info};
use rustix::io::read;

use super::Process;
use super::hangup::{LONG_ENOUGH, has_hung_up};
use super::unreaped::status_before_reap;
use crate::error::Error;
use crate::step::Step;

impl Process {
    /// The exit code, or `-N` after signal N, as Python's `exitcode`; `None` while the process runs. Does not block.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    #[doc(alias = "exitcode")]
    pub fn exit_code(&self) -> Result<Option<i32>, Error> {
        let status = self.join_timeout(Duration::ZERO)?;
        Ok(status.and_then(|ended| ended.code().or(ended.signal().map(|signal| -signal))))
    }

    pub(super) fn known_status(&self) -> Option<ExitStatus> {
        self.end().status
    }

    /// Reaps an exited process, or reads its status from proc while its tracer or another parent has yet to reap
    /// it; `None` if proc does not show it.
    pub(super) fn collect(&self) -> Result<Option<ExitStatus>, Error> {
        let mut end = self.end();
        if end.status.is_some() {
            return Ok(end.status);
        }
        let reaped = end.reap(self);
        let is_kept = reaped == Ok(None);
        let own = match reaped {
            Ok(Some(ended)) => Ok(ended),
            Err(errno) if errno != Errno::CHILD => return Err(self.failed(Step::Wait, errno)),
            _ if is_kept || self.drop_policy.is_sibling && !has_hung_up(self, Duration::ZERO) => {
                match status_before_reap(self) {
                    Ok(Some(status)) => Ok(status),
                    Ok(None) => return Ok(None),
                    Err(_reaped) => self.status_after_reap(),
                }
            }
            _ => self.status_after_reap(),
        };
        let wait_status = self.status_from_init().map_or_else(|| self.own_status(own?), Ok)?;
        let status = ExitStatus::from_raw(wait_status.as_raw());
        end.status = Some(status);
        Ok(end.status)
    }

    /// The status of a process that another waiter has reaped.
    fn status_after_reap(&self) -> Result<WaitStatus, Error> {
        let status = || pidfd_get_info(self).ok().and_then(|info| info.exit_status);
        status().or_else(|| has_hung_up(self, LONG_ENOUGH).then(status).flatten()).ok_or_else(|| {
            let object = format!("the status of process {} is lost", self.pid());
            let hint = "SIGCHLD is ignored, or another waiter reaped it; Linux 6.15 and later report it all the same";
            Error::new(self.name(), Step::Wait).with_object(object).with_hint(Some(hint))
        })
    }

    /// The wait status of the program, which the init wrote before it exited: as two ints, the status, and then 1 to
    /// distinguish a status of 0 from an eventfd that was never written. `None` if the init wrote nothing.
    fn status_from_init(&self) -> Option<WaitStatus> {
        let mut message = [0; 8];
        let length = read(self.init.as_ref()?, &mut message).ok()?;
        let [a, b, c, d, 1, 0, 0, 0] = message else { return None };
        (length == message.len()).then_some(WaitStatus::from_raw(i32::from_ne_bytes([a, b, c, d])))
    }

    /// The status of the process itself. The status of an init is that of the program only if the init was killed,
    /// because then the kernel killed the program too.
    fn own_status(&self, own: WaitStatus) -> Result<WaitStatus, Error> {
        if self.init.is_none() || own.signal().is_some() {
            return Ok(own);
        }
        let object = format!("the status of the program beside process {} is lost", self.pid());
        let hint = Some("its init ended without reporting it");
        Err(Error::new(self.name(), Step::Wait).with_object(object).with_hint(hint))
    }

    /// The error for a process that does not exit, or whose status cannot be read.
    pub(crate) fn held(&self) -> Error {
        let hint = "something keeps it: its tracer, a file system that does not answer, or in its pid namespace a child of this program that was not joined";
        self.failed(Step::Wait, Errno::TIMEDOUT).with_hint(Some(hint))
    }

    pub(crate) fn failed(&self, step: Step, errno: Errno) -> Error {
        Error::new(self.name(), step)
            .with_errno(errno)
            .with_object(format!("process {}", self.pid()))
    }
}
