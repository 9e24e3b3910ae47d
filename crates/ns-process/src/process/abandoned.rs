//! Processes whose handle was dropped while they ran: reaped when they have ended.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ns_sys::{Errno, WaitFlags, waitid_pidfd};

/// Those that are still to be reaped, the one looked at longest ago first.
static ABANDONED: Mutex<VecDeque<OwnedFd>> = Mutex::new(VecDeque::new());

/// How many a start or drop looks at: its price must not grow with their number.
const AT_ONCE: usize = 8;

/// Reaps every process whose handle was dropped and that has ended since; returns how many still
/// run.
///
/// Each start and each drop of a handle looks at a few of them too; this is for programs that do
/// neither for a long time.
pub fn reap() -> usize {
    let mut all = abandoned();
    all.retain(|pidfd| !is_reaped(pidfd));
    all.len()
}

/// Looks at a few. Where another thread does so already, or a fork left the lock held, not now.
pub(crate) fn sweep() {
    let Ok(mut all) = ABANDONED.try_lock() else { return };
    for _ in 0..AT_ONCE.min(all.len()) {
        let Some(oldest) = all.pop_front() else { return };
        if !is_reaped(&oldest) {
            all.push_back(oldest);
        }
    }
}

/// All of them, locked.
pub(crate) type Abandoned = MutexGuard<'static, VecDeque<OwnedFd>>;

pub(crate) fn abandoned() -> Abandoned {
    ABANDONED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes over a process that nobody will join.
pub(super) fn leave(pidfd: OwnedFd) {
    if !is_reaped(&pidfd) {
        abandoned().push_back(pidfd);
    }
}

fn is_reaped(pidfd: &OwnedFd) -> bool {
    let ended = waitid_pidfd(pidfd, WaitFlags::NOHANG | WaitFlags::ALL);
    matches!(ended, Ok(Some(_)) | Err(Errno::CHILD))
}
