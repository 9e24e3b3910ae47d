//! Wait for a child by its pidfd, with a time limit.

use core::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::{WaitFlags, WaitStatus, waitid_pidfd};
use crate::{Errno, Result};

/// The time between two checks of a child that has terminated and that its tracer has not released: its
/// pidfd is readable, but its parent cannot reap it yet.
const TRACED: Duration = Duration::from_millis(1);

/// `ppoll(pidfd)` and `waitid(P_PIDFD, pidfd, WEXITED | WNOHANG | flags)` — wait at most `timeout` until a
/// child has terminated, and reap it.
///
/// Returns `None` if the child still runs when the time has expired. The limit is measured on the
/// monotonic clock, which does not count the time in suspend, and also holds if signal handlers interrupt
/// the wait. A limit of zero only checks; a limit too long for the clock waits without one. Blocks.
///
/// # Errors
/// - `ECHILD`, at once: the process is not a child of the caller, or `flags` exclude it. Also as soon as
///   the process has terminated, if another waiter reaps it first or `SIGCHLD` is ignored;
///   [`pidfd_get_info`](crate::pidfd_get_info) may still return its exit status.
/// - `EINVAL`: before Linux 5.4.
///
/// # Async-signal-safety
/// Not between clone and exec.
///
/// # Kernel support
/// Linux 5.4.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use ns_sys::{Signal, WaitFlags, pidfd_send_signal, waitid_pidfd_timeout};
///
/// let child = std::process::Command::new("sleep").arg("1000").spawn()?;
/// let pidfd = ns_sys::pidfd_open(child.id())?;
/// let limit = Duration::from_millis(10);
/// assert_eq!(waitid_pidfd_timeout(&pidfd, WaitFlags::empty(), limit)?, None);
/// pidfd_send_signal(&pidfd, Signal::KILL)?;
/// let limit = Duration::from_secs(10);
/// let status = waitid_pidfd_timeout(&pidfd, WaitFlags::empty(), limit)?.expect("it was killed");
/// assert_eq!(status.signal(), Some(Signal::KILL));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// waitid(2), pidfd_open(2), ppoll(2); kernel/exit.c.
pub fn waitid_pidfd_timeout(
    pidfd: impl AsFd,
    flags: WaitFlags,
    timeout: Duration,
) -> Result<Option<WaitStatus>> {
    let deadline = now().checked_add(timeout);
    let mut is_readable = false;
    loop {
        // Before the poll, which would wait for a process that is not a child.
        let status = waitid_pidfd(&pidfd, flags | WaitFlags::NOHANG)?;
        let left = deadline.map(|end| end.saturating_sub(now()));
        if status.is_some() || left.is_some_and(|left| left.is_zero()) {
            return Ok(status);
        }
        if is_readable {
            sleep(left.map_or(TRACED, |left| left.min(TRACED)));
        }
        is_readable = poll_readable(pidfd.as_fd(), left)?;
    }
}

/// Whether `pidfd` became readable within `limit`. `false` is also an interrupted call.
fn poll_readable(pidfd: BorrowedFd<'_>, limit: Option<Duration>) -> Result<bool> {
    let limit = limit.map(to_timespec);
    match poll(&mut [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)], limit.as_ref()) {
        Err(Errno::INTR) => Ok(false),
        ready => ready.map(|count| count > 0),
    }
}

fn sleep(time: Duration) {
    let _ = poll(&mut [], Some(&to_timespec(time)));
}

/// The time on the monotonic clock.
fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

fn to_timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}
