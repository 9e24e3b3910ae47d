//! Whether a process has ended, or has been reaped, by anybody.

use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::{Errno, Signal, WaitFlags, pidfd_send_signal, waitid_pidfd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Longer than any reaping takes; kernels before 6.9 never hang up.
pub(crate) const LONG_ENOUGH: Duration = Duration::from_millis(100);

/// How long the end of a killed process is waited for. It takes less, unless its memory is large or something
/// holds it: a tracer, or a file system that does not answer.
pub(crate) const KILLED: Duration = Duration::from_millis(50);

/// Waits no longer than `limit` for the descriptor to hang up. Only then does the kernel tell how the
/// process ended to those who did not reap it: between the reaping and its last act there is no answer.
pub(crate) fn has_hung_up(pidfd: impl AsFd, limit: Duration) -> bool {
    is_polled(pidfd, PollFlags::empty(), Instant::now().checked_add(limit)) == Ok(true)
}

/// Waits no longer than `limit` for the end of a process.
pub(crate) fn is_readable_within(pidfd: impl AsFd, limit: Duration) -> bool {
    is_readable_until(pidfd, Instant::now().checked_add(limit))
}

/// Waits for the end of a process, until the deadline if there is one. It has left its memory by then.
pub(crate) fn is_readable_until(pidfd: impl AsFd, deadline: Option<Instant>) -> bool {
    is_polled(&pidfd, PollFlags::IN, deadline).unwrap_or_else(|_| has_ended_by(pidfd, deadline))
}

/// The same where a filter forbids ppoll(2). It sees the end of a child only while no other waiter reaps it.
fn has_ended_by(pidfd: impl AsFd, deadline: Option<Instant>) -> bool {
    const NEXT_LOOK: Duration = Duration::from_millis(1);
    let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
    loop {
        match waitid_pidfd(&pidfd, flags) {
            Ok(None) if deadline.is_none_or(|end| Instant::now() < end) => thread::sleep(NEXT_LOOK),
            seen => return matches!(seen, Ok(Some(_))),
        }
    }
}

/// A handler that runs meanwhile does not make it longer.
fn is_polled(
    pidfd: impl AsFd,
    events: PollFlags,
    deadline: Option<Instant>,
) -> Result<bool, Errno> {
    loop {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(&pidfd, events)], left.as_ref()) {
            Err(Errno::INTR) => {}
            polled => return polled.map(|count| count == 1),
        }
    }
}

/// Kills a process; `false` if it has not ended within [`KILLED`].
pub(crate) fn ends(pidfd: impl AsFd) -> bool {
    let _ = pidfd_send_signal(&pidfd, Signal::KILL);
    is_readable_within(pidfd, KILLED)
}

/// Reaps a process that has ended; `false` where the kernel keeps it for its tracer.
pub(crate) fn is_reaped(pidfd: &OwnedFd) -> bool {
    let ended = waitid_pidfd(pidfd, WaitFlags::NOHANG | WaitFlags::ALL);
    matches!(ended, Ok(Some(_)) | Err(Errno::CHILD))
}
