//! The dumpable flag of this program: one flag, and many starts that need it one way or the other.
//!
//! See [`Dumpable`](crate::plan::Dumpable) for what each start needs. Starts that need the same hold it
//! together, those that do not take turns, in the order in which they came. No start waits long: one that does
//! not get the flag in time goes by copied memory.
#![allow(unsafe_code, reason = "prctl with numbers")]

use std::collections::VecDeque;
use std::prelude::rust_2024::*;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ns_sys::Errno;
use ns_sys::child::prctl;

/// Of include/uapi/linux/prctl.h.
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;

/// What a start needs the flag to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// As the program has it.
    Kept,
    /// Clear, and at the end as the program has it.
    Cleared,
}

/// Who holds the flag, and who waits for it.
pub(super) struct Holders {
    need: Need,
    count: usize,
    /// The program's own flag, while it is cleared.
    own: usize,
    waiting: VecDeque<u64>,
    next: u64,
}

static HOLDERS: Mutex<Holders> =
    Mutex::new(Holders { need: Need::Kept, count: 0, own: 0, waiting: VecDeque::new(), next: 0 });
static CHANGED: Condvar = Condvar::new();

/// The flag as needed, until it is dropped, which any thread may do.
#[derive(Debug)]
pub(super) struct Hold(());

impl Hold {
    /// Waits for it no longer than `patience`; `None` if it is still held otherwise then, as by a start in whose
    /// hook this one is.
    pub(super) fn new(need: Need, patience: Duration) -> Result<Option<Self>, Errno> {
        let turn = wait_for_turn(lock(), need, Instant::now() + patience);
        let Some(mut holders) = turn else { return Ok(None) };
        if holders.count == 0 {
            if need == Need::Cleared {
                holders.own = clear()?;
            }
            holders.need = need;
        }
        holders.count += 1;
        Ok(Some(Self(())))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holders = lock();
        holders.count -= 1;
        if holders.count > 0 {
            return;
        }
        if holders.need == Need::Cleared {
            // The child may have changed it. The kernel does not take 2, "dumpable by root".
            let _ = set(holders.own);
        }
        if !holders.waiting.is_empty() {
            CHANGED.notify_all();
        }
    }
}

/// Waits until no earlier start waits, and the flag is free or held as needed.
fn wait_for_turn(mut holders: Lock, need: Need, deadline: Instant) -> Option<Lock> {
    let is_due = |holders: &Holders| holders.count == 0 || holders.need == need;
    if holders.waiting.is_empty() && is_due(&holders) {
        return Some(holders);
    }
    let own = holders.next;
    holders.next += 1;
    holders.waiting.push_back(own);
    loop {
        let has_turn = holders.waiting.front() == Some(&own) && is_due(&holders);
        let left = deadline.saturating_duration_since(Instant::now());
        if has_turn || left.is_zero() {
            holders.waiting.retain(|other| *other != own);
            // The next one's turn may have come.
            CHANGED.notify_all();
            return has_turn.then_some(holders);
        }
        let woken = CHANGED.wait_timeout(holders, left);
        holders = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The program's own flag, which a start may have cleared for a while.
pub(super) fn own() -> bool {
    own_of(&lock())
}

pub(super) fn own_of(holders: &Lock) -> bool {
    let is_cleared = holders.count > 0 && holders.need == Need::Cleared;
    if is_cleared { holders.own == 1 } else { get() == Ok(1) }
}

/// Sets the program's own flag.
pub(super) fn set_own(dumpable: bool) -> Result<(), Errno> {
    let mut holders = lock();
    if holders.count > 0 && holders.need == Need::Cleared {
        holders.own = dumpable.into();
        return Ok(());
    }
    set(dumpable.into())
}

/// The account, locked.
pub(super) type Lock = MutexGuard<'static, Holders>;

/// In a copy of this program no start goes on. Its flag is set by its own steps.
pub(super) fn forget(holders: &mut Lock) {
    let next = holders.next;
    let waiting = VecDeque::new();
    **holders = Holders { need: Need::Kept, count: 0, own: 0, waiting, next };
}

pub(super) fn lock() -> Lock {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clears the flag; gives the former one. At 2, "dumpable by root", no other process may trace, and prctl(2)
/// could not set it again.
fn clear() -> Result<usize, Errno> {
    let former = get()?;
    if former == 1 {
        set(0)?;
    }
    Ok(former)
}

fn get() -> Result<usize, Errno> {
    // SAFETY: takes numbers only.
    unsafe { prctl(PR_GET_DUMPABLE, [0; 4]) }
}

fn set(value: usize) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { prctl(PR_SET_DUMPABLE, [value, 0, 0, 0]) }.map(drop)
}
