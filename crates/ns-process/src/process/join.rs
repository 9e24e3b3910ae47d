//! Waiting for the end.

use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Process;
use super::orphans::{has_orphans, sweep};
use crate::error::Error;
use crate::step::Step;

/// How often an ended process is looked at that its tracer has yet to reap, where proc does not tell its status.
const TRACED_ROUND: Duration = Duration::from_millis(10);

/// How often orphans are looked at.
const SWEEP: Duration = Duration::from_millis(50);
const FIRST_SWEEP: Duration = Duration::from_secs(1);

/// After how long it is given up.
const TRACED: Duration = Duration::from_secs(1);

impl Process {
    /// Waits until the process has ended, and tells how; later calls tell the same.
    ///
    /// # Errors
    /// [`Step::Wait`] with no errno: the status is lost, because the program ignores `SIGCHLD` or
    /// reaps children that are not its own, and the kernel is older than 6.15. `ETIMEDOUT`: the process has
    /// ended, and for a second neither its tracer reaped it nor proc told its status.
    ///
    /// # Kernel support
    /// Linux 5.4.
    ///
    /// # References
    /// pidfd_open(2), waitid(2).
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

    /// Whether the process still runs; answers also where the status is lost.
    ///
    /// # Errors
    /// None that a caller can act on.
    ///
    /// # References
    /// poll(2), pidfd_open(2).
    pub fn is_alive(&self) -> Result<bool, Error> {
        Ok(self.known_status().is_none() && !self.has_ended(Some(Instant::now()))?)
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Result<Option<ExitStatus>, Error> {
        let mut given_up = None;
        loop {
            if let Some(status) = self.known_status() {
                return Ok(Some(status));
            }
            if !self.has_ended(deadline)? {
                return Ok(None);
            }
            if let Some(status) = self.collect()? {
                return Ok(Some(status));
            }
            let left = deadline.map_or(TRACED_ROUND, left_until);
            if left.is_zero() {
                return Ok(None);
            }
            if Instant::now() >= *given_up.get_or_insert_with(|| Instant::now() + TRACED) {
                return Err(self.held());
            }
            thread::sleep(left.min(TRACED_ROUND));
        }
    }

    /// Sleeps until the descriptor is readable; `false` at the deadline. Meanwhile orphans are reaped: they may be
    /// in the pid namespace that has to end.
    fn has_ended(&self, deadline: Option<Instant>) -> Result<bool, Error> {
        loop {
            sweep();
            let left = deadline.map(left_until);
            // Another thread may leave one at any time.
            let round = if has_orphans() { SWEEP } else { FIRST_SWEEP };
            let sleep = left.map_or(round, |left| left.min(round));
            let sleep = Timespec::try_from(sleep).unwrap_or(LONGEST);
            match poll(&mut [PollFd::new(self, PollFlags::IN)], Some(&sleep)) {
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Ok(false),
                // Or a handler ran; the time that is left is computed anew.
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(errno) => return Err(self.failed(Step::Wait, errno)),
            }
        }
    }
}

const LONGEST: Timespec = Timespec { tv_sec: i64::MAX, tv_nsec: 0 };

fn left_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
