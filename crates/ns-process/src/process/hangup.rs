//! Whether a process has been reaped, by anybody.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Longer than any reaping takes; kernels before 6.9 never hang up.
pub(crate) const LONG_ENOUGH: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
pub(super) const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Waits no longer than `limit` for the descriptor to hang up. Only then does the kernel tell how the
/// process ended to those who did not reap it: between the reaping and its last act there is no answer.
pub(crate) fn has_hung_up(pidfd: impl AsFd, limit: Timespec) -> bool {
    let mut hangup = [PollFd::new(&pidfd, PollFlags::empty())];
    rustix::io::retry_on_intr(|| poll(&mut hangup, Some(&limit))).is_ok_and(|count| count == 1)
}

/// Waits no longer than `limit` for the end of a process.
pub(crate) fn is_readable_within(pidfd: impl AsFd, limit: Timespec) -> bool {
    let mut end = [PollFd::new(&pidfd, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut end, Some(&limit))).is_ok_and(|count| count == 1)
}
