//! Waiting for the exit of the process.

use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::Process;
use super::hangup::is_polled_within;
use super::orphans::{has_orphans, sweep};
use crate::error::Error;
use crate::step::Step;

/// The interval between checks of an exited process that its tracer has yet to reap.
pub(crate) const TRACED_ROUND: Duration = Duration::from_millis(10);

/// The interval between sweeps of the orphans.
const SWEEP: Duration = Duration::from_millis(50);
const FIRST_SWEEP: Duration = Duration::from_secs(1);

/// After how long such a process is given up.
pub(crate) const TRACED: Duration = Duration::from_secs(1);

impl Process {
    /// Waits until the process has exited, and returns its status. Later calls return the same.
    ///
    /// Meanwhile exited processes of dropped handles are reaped. Does not read piped streams: a process that writes
    /// more than a pipe holds (64 KiB) to a piped stdout or stderr waits for a reader, and never exits. Read the
    /// streams before, or use [`wait_with_output`](Self::wait_with_output). Blocks without a time limit.
    ///
    /// # Errors
    /// - [`Step::Wait`] without an errno: the status is lost. The calling program ignores `SIGCHLD` or reaps children
    ///   that it did not start, and the kernel is older than 6.15.
    /// - `ETIMEDOUT`: the process has exited, but for one second neither its tracer reaped it nor did proc show the
    ///   status.
    ///
    /// # Kernel support
    /// Linux 5.4.
    ///
    /// # References
    /// pidfd_open(2), waitid(2).
    pub fn join(&self) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = self.join_until(None)? {
                return Ok(status);
            }
        }
    }

    /// Waits until the process has exited, for `limit` at most; `None` if it still runs then.
    ///
    /// Does not read piped streams, as [`join`](Self::join): a process that fills a pipe still runs at the limit.
    /// [`wait_with_output_timeout`](Self::wait_with_output_timeout) reads them, with a limit.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, limit: Duration) -> Result<Option<ExitStatus>, Error> {
        self.join_until(Instant::now().checked_add(limit))
    }

    /// Whether the process still runs. Works also if the status is lost. Does not block.
    ///
    /// # Errors
    /// No error that a caller can act on.
    ///
    /// # References
    /// poll(2), pidfd_open(2).
    pub fn is_alive(&self) -> Result<bool, Error> {
        Ok(self.known_status().is_none() && !self.has_ended(Some(Instant::now()))?)
    }

    /// Waits until the process has exited, until the deadline if there is one.
    pub(super) fn join_until(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<ExitStatus>, Error> {
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

    /// Sleeps until the pidfd is readable; `false` at the deadline. Meanwhile orphans are reaped: a pid namespace ends
    /// only after all its zombies are reaped.
    fn has_ended(&self, deadline: Option<Instant>) -> Result<bool, Error> {
        loop {
            sweep();
            let left = deadline.map(left_until);
            let round = sweep_interval();
            let round = left.map_or(round, |left| left.min(round));
            let ended = is_polled_within(self, PollFlags::IN, round)
                .map_err(|errno| self.failed(Step::Wait, errno))?;
            if ended || left.is_some_and(|left| left.is_zero()) {
                return Ok(ended);
            }
        }
    }
}

/// The time until the next sweep of the orphans. Another thread may add one at any time.
pub(crate) fn sweep_interval() -> Duration {
    if has_orphans() { SWEEP } else { FIRST_SWEEP }
}

fn left_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
