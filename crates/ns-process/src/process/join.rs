//! Waiting for the end.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ns_sys::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Process, sweep};
use crate::error::Error;
use crate::step::Step;

impl Process {
    /// Waits until the process has ended, and tells how; later calls tell the same.
    ///
    /// # Errors
    /// [`Step::Wait`] with no errno: the status is lost, because the program ignores `SIGCHLD` or
    /// reaps children that are not its own, and the kernel is older than 6.15.
    pub fn join(&self) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = self.wait_until(None)? {
                return Ok(status);
            }
        }
    }

    /// Waits no longer than `limit`; `None` if the process then still runs, which it goes on doing.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, limit: Duration) -> Result<Option<ExitStatus>, Error> {
        self.wait_until(Instant::now().checked_add(limit))
    }

    /// Whether the process still runs.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn is_alive(&self) -> Result<bool, Error> {
        Ok(self.join_timeout(Duration::ZERO)?.is_none())
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Result<Option<ExitStatus>, Error> {
        sweep();
        if self.known_status().is_none() && !self.poll_until(deadline)? {
            return Ok(None);
        }
        self.take_status().map(Some)
    }

    /// Sleeps until the descriptor is readable; `false` at the deadline.
    fn poll_until(&self, deadline: Option<Instant>) -> Result<bool, Error> {
        loop {
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = left.map(|left| Timespec::try_from(left).unwrap_or(LONGEST));
            match poll(&mut [PollFd::new(self, PollFlags::IN)], timeout.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                // A handler ran; the time that is left is computed anew.
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(Step::Wait, errno)),
            }
        }
    }
}

const LONGEST: Timespec = Timespec { tv_sec: i64::MAX, tv_nsec: 0 };
