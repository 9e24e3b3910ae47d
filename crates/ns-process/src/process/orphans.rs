//! Processes that nobody waits for any more: reaped when they have ended.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ns_sys::child::is_readable;
use ns_sys::{Errno, WaitFlags, waitid_pidfd};

/// Those that are still to be reaped, the one looked at longest ago first.
static ORPHANS: Mutex<VecDeque<Orphan>> = Mutex::new(VecDeque::new());

/// How many a start or drop looks at: its price must not grow with their number.
const AT_ONCE: usize = 8;

/// What a process may still use of the caller's memory, freed by the last that has ended.
pub(crate) type Kept = Arc<dyn Send + Sync>;

/// A process, and what is kept for it.
pub(crate) struct Orphan {
    pidfd: OwnedFd,
    kept: Option<Kept>,
}

impl Orphan {
    pub(crate) fn new(pidfd: OwnedFd, kept: Option<Kept>) -> Self {
        Self { pidfd, kept }
    }

    /// Whether it is gone, and reaped if it was the caller's to reap. What was kept for it is handed out once
    /// it has ended, also where a tracer has yet to reap it.
    fn is_gone(&mut self, free: &mut Vec<Kept>) -> bool {
        if is_readable(self.pidfd.as_fd()) == Ok(true) {
            free.extend(self.kept.take());
        }
        let ended = waitid_pidfd(&self.pidfd, WaitFlags::NOHANG | WaitFlags::ALL);
        let is_reaped = matches!(ended, Ok(Some(_)) | Err(Errno::CHILD));
        is_reaped && self.kept.is_none()
    }
}

/// Reaps every process that has ended since its handle was dropped, or since a start gave it up; returns
/// how many are left.
///
/// Each start and each drop of a handle looks at a few of them too. Call this in a program that does
/// neither for a long time. It does not block.
pub fn reap() -> usize {
    let mut free = Vec::new();
    let mut all = orphans();
    all.retain_mut(|orphan| !orphan.is_gone(&mut free));
    drop(all);
    // Freeing takes other locks, this one too where a child comes to light.
    drop(free);
    orphans().len()
}

/// Looks at a few. Where another thread does so already, or a fork left the lock held, not now.
pub(crate) fn sweep() {
    let mut free = Vec::new();
    let Ok(mut all) = ORPHANS.try_lock() else { return };
    if all.is_empty() {
        return;
    }
    // Starts may wait for what is kept.
    for orphan in all.iter_mut().filter(|orphan| orphan.kept.is_some()) {
        orphan.is_gone(&mut free);
    }
    for _ in 0..AT_ONCE.min(all.len()) {
        let Some(mut oldest) = all.pop_front() else { break };
        if !oldest.is_gone(&mut free) {
            all.push_back(oldest);
        }
    }
    drop(all);
    drop(free);
}

/// Whether there are any, or another thread looks at them.
pub(crate) fn has_orphans() -> bool {
    ORPHANS.try_lock().map_or(true, |all| !all.is_empty())
}

/// All of them, locked.
pub(crate) type Orphans = MutexGuard<'static, VecDeque<Orphan>>;

pub(crate) fn orphans() -> Orphans {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes over a process that nobody will join.
pub(crate) fn leave(mut orphan: Orphan) {
    if !orphan.is_gone(&mut Vec::new()) {
        orphans().push_back(orphan);
    }
}
