//! Whether a process has exited, or has been reaped by any waiter.

use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::{Errno, Signal, WaitFlags, pidfd_send_signal, waitid_pidfd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Longer than reaping takes. Kernels before 6.9 never report a hangup.
pub(crate) const LONG_ENOUGH: Duration = Duration::from_millis(100);

/// How long to wait for the exit of a killed process. It takes longer only if its memory is large, or if a tracer or a
/// file system that does not respond delays it.
pub(crate) const KILLED: Duration = Duration::from_millis(50);

/// Waits for a hangup of the pidfd, for `limit` at most. Only after the hangup does the kernel return the status to a
/// process that did not reap it.
pub(crate) fn has_hung_up(pidfd: impl AsFd, limit: Duration) -> bool {
    is_polled(pidfd, PollFlags::empty(), Instant::now().checked_add(limit)) == Ok(true)
}

/// Waits until a process has exited, for `limit` at most.
pub(crate) fn is_readable_within(pidfd: impl AsFd, limit: Duration) -> bool {
    is_readable_until(pidfd, Instant::now().checked_add(limit))
}

/// Waits until a process has exited, until the deadline if there is one. Then it has also released its memory.
pub(crate) fn is_readable_until(pidfd: impl AsFd, deadline: Option<Instant>) -> bool {
    is_polled(&pidfd, PollFlags::IN, deadline).unwrap_or_else(|_| polls_exit_until(pidfd, deadline))
}

/// The same if a seccomp filter forbids ppoll(2). It misses the exit of a child that another waiter reaps.
fn polls_exit_until(pidfd: impl AsFd, deadline: Option<Instant>) -> bool {
    const INTERVAL: Duration = Duration::from_millis(1);
    let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
    loop {
        match waitid_pidfd(&pidfd, flags) {
            Ok(None) if deadline.is_none_or(|end| Instant::now() < end) => thread::sleep(INTERVAL),
            seen => return matches!(seen, Ok(Some(_))),
        }
    }
}

/// Waits for the events or a hangup, until the deadline if there is one; `false` at the deadline. A signal handler that
/// runs meanwhile does not extend the wait.
pub(super) fn is_polled(
    fd: impl AsFd,
    events: PollFlags,
    deadline: Option<Instant>,
) -> Result<bool, Errno> {
    poll_until(&mut [PollFd::new(&fd, events)], deadline)
}

/// The same for several descriptors.
pub(crate) fn poll_until(fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> Result<bool, Errno> {
    loop {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(fds, left.as_ref()) {
            Err(Errno::INTR) => {}
            polled => return polled.map(|count| count > 0),
        }
    }
}

/// As [`is_polled`], for at most `limit`; a signal handler of the caller ends the wait early.
pub(super) fn is_polled_within(
    fd: impl AsFd,
    events: PollFlags,
    limit: Duration,
) -> Result<bool, Errno> {
    let limit = Timespec::try_from(limit).ok();
    match poll(&mut [PollFd::new(&fd, events)], limit.as_ref()) {
        Err(Errno::INTR) => Ok(false),
        polled => polled.map(|count| count > 0),
    }
}

/// Kills a process; `false` if it has not exited within [`KILLED`].
pub(crate) fn kill_and_wait(pidfd: impl AsFd) -> bool {
    let _ = pidfd_send_signal(&pidfd, Signal::KILL);
    is_readable_within(pidfd, KILLED)
}

/// Reaps a process that has exited, if it is a child of the caller; `false` if it still runs, or its tracer has to reap
/// it first.
pub(crate) fn try_reap(pidfd: &OwnedFd) -> bool {
    let ended = waitid_pidfd(pidfd, WaitFlags::NOHANG | WaitFlags::ALL);
    matches!(ended, Ok(Some(_)) | Err(Errno::CHILD))
}
