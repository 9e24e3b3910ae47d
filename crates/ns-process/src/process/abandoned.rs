//! Processes whose handle was dropped while they ran: reaped when they have ended.

use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::{Mutex, PoisonError};

use ns_sys::{Errno, WaitFlags, waitid_pidfd};

/// Those that are still to be reaped.
static ABANDONED: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Reaps every process whose handle was dropped and that has ended since; returns how many still
/// run.
///
/// Each start, join and drop does so too: for programs that do none of these for a long time.
pub fn reap() -> usize {
    let mut all = ABANDONED.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|pidfd| !is_reaped(pidfd));
    all.len()
}

pub(crate) fn sweep() {
    reap();
}

/// Takes over a process that nobody will join.
pub(super) fn leave(pidfd: OwnedFd) {
    if !is_reaped(&pidfd) {
        ABANDONED.lock().unwrap_or_else(PoisonError::into_inner).push(pidfd);
    }
}

fn is_reaped(pidfd: &OwnedFd) -> bool {
    let ended = waitid_pidfd(pidfd, WaitFlags::NOHANG | WaitFlags::ALL);
    matches!(ended, Ok(Some(_)) | Err(Errno::CHILD))
}
