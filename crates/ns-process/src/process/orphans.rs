//! Processes without a handle, which are reaped once they have exited.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ns_sys::child::is_readable;

use super::hangup::try_reap;

/// The processes to be reaped; the one that was checked longest ago is the first.
static ORPHANS: Mutex<VecDeque<Orphan>> = Mutex::new(VecDeque::new());

/// The maximum number of orphans that one start or drop checks, so that its cost does not grow with their number.
const CHECKED_AT_ONCE: usize = 8;

/// Memory of the caller that a process may still use; freed after the last such process has exited.
pub(crate) type Kept = Arc<dyn Send + Sync>;

/// A process, and the memory that it may still use.
pub(crate) struct Orphan {
    pidfd: OwnedFd,
    kept: Option<Kept>,
}

impl Orphan {
    pub(crate) fn new(pidfd: OwnedFd, kept: Option<Kept>) -> Self {
        Self { pidfd, kept }
    }

    /// Whether it has exited, and has been reaped if it is a child of the caller. Its memory is added to `free` once it
    /// has exited, also if its tracer has yet to reap it.
    fn is_gone(&mut self, free: &mut Vec<Kept>) -> bool {
        if is_readable(self.pidfd.as_fd()) == Ok(true) {
            free.extend(self.kept.take());
        }
        try_reap(&self.pidfd) && self.kept.is_none()
    }
}

/// Reaps every exited process whose handle was dropped, or whose start failed at its time limit; returns how many still
/// run.
///
/// Each start and each drop of a handle reaps a few of them too. Call this in a program that does neither for a long
/// time. Does not block.
pub fn reap() -> usize {
    let mut free = Vec::new();
    let mut all = orphans();
    all.retain_mut(|orphan| !orphan.is_gone(&mut free));
    drop(all);
    // Freeing takes other locks, and this one too if it finds another child.
    drop(free);
    orphans().len()
}

/// Checks a few of them, unless another thread does so already, or a fork left the lock held.
pub(crate) fn sweep() {
    let mut free = Vec::new();
    let Ok(mut all) = ORPHANS.try_lock() else { return };
    if all.is_empty() {
        return;
    }
    // Starts may wait for the memory.
    for orphan in all.iter_mut().filter(|orphan| orphan.kept.is_some()) {
        orphan.is_gone(&mut free);
    }
    for _ in 0..CHECKED_AT_ONCE.min(all.len()) {
        let Some(mut oldest) = all.pop_front() else { break };
        if !oldest.is_gone(&mut free) {
            all.push_back(oldest);
        }
    }
    drop(all);
    drop(free);
}

/// Whether there are any, or another thread holds the lock.
pub(crate) fn has_orphans() -> bool {
    ORPHANS.try_lock().map_or(true, |all| !all.is_empty())
}

/// All of them, locked.
pub(crate) type Orphans = MutexGuard<'static, VecDeque<Orphan>>;

pub(crate) fn orphans() -> Orphans {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes over a process that will not be joined.
pub(crate) fn reap_later(mut orphan: Orphan) {
    if !orphan.is_gone(&mut Vec::new()) {
        orphans().push_back(orphan);
    }
}
