//! The dumpable flag of this program: one flag, and many starts that want it one way or the other.
//!
//! A child in the caller's memory can be traced by whoever owns its user namespace, and through it
//! the caller. While the flag is clear nobody may, without `CAP_SYS_PTRACE` over the caller itself.
//! An unprivileged caller, on the other hand, cannot write the maps of a child while it is clear.
#![allow(unsafe_code, reason = "prctl with numbers")]

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread_local;

use ns_sys::Errno;
use ns_sys::child::prctl;

/// Of include/uapi/linux/prctl.h.
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;

/// What a start wants the flag to be. Starts of one kind overlap, those of two exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// As it is: maps are written by somebody without privilege.
    Kept,
    /// Cleared, and at the end as it was: nobody is to trace the child, or the child clears it anyway.
    Cleared,
}

/// Who holds the flag.
pub(super) struct Holders {
    wish: Wish,
    count: usize,
    /// Whether the flag has to be set again when the last one goes.
    restore: bool,
    /// How many wait until it is free.
    waiting: usize,
}

static HOLDERS: Mutex<Holders> =
    Mutex::new(Holders { wish: Wish::Kept, count: 0, restore: false, waiting: 0 });
static FREE: Condvar = Condvar::new();

thread_local! {
    /// What this thread holds: a start within another must not wait for itself.
    static HELD: Cell<Option<Wish>> = const { Cell::new(None) };
}

/// The flag as wished, until it is dropped.
#[derive(Debug)]
pub(super) struct Dumpable {
    wish: Wish,
    /// What the thread held before; a start within another with another wish holds nothing itself.
    outer: Option<Wish>,
}

impl Dumpable {
    /// Waits until no start holds it otherwise.
    ///
    /// A start from within another one's `before_go` gets what that one has.
    pub(super) fn hold(wish: Wish) -> Result<Self, Errno> {
        let outer = HELD.get();
        let wish = outer.unwrap_or(wish);
        let mut holders = lock();
        while holders.count > 0 && holders.wish != wish {
            holders.waiting += 1;
            holders = FREE.wait(holders).unwrap_or_else(PoisonError::into_inner);
            holders.waiting -= 1;
        }
        if holders.count == 0 {
            holders.restore = wish == Wish::Cleared && clear()?;
            holders.wish = wish;
        }
        holders.count += 1;
        HELD.set(Some(wish));
        Ok(Self { wish, outer })
    }

    pub(super) fn is_cleared(&self) -> bool {
        self.wish == Wish::Cleared
    }
}

impl Drop for Dumpable {
    fn drop(&mut self) {
        HELD.set(self.outer);
        let mut holders = lock();
        holders.count -= 1;
        if holders.count == 0 {
            if holders.restore {
                // It was 1 when it was cleared, and may be set again by anybody.
                let _ = set(1);
            }
            if holders.waiting > 0 {
                FREE.notify_all();
            }
        }
    }
}

/// The account, locked.
pub(super) type Lock = MutexGuard<'static, Holders>;

/// In a copy of this program no start goes on; what another thread's had cleared is set again.
pub(super) fn forget(holders: &mut Lock) {
    if HELD.take() != Some(Wish::Cleared) && holders.restore {
        let _ = set(1);
    }
    **holders = Holders { wish: Wish::Kept, count: 0, restore: false, waiting: 0 };
}

pub(super) fn lock() -> Lock {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clears the flag; says whether it was set. At 2, "dumpable by root", nobody else may trace, and
/// prctl(2) could not set it again.
fn clear() -> Result<bool, Errno> {
    // SAFETY: takes numbers only.
    let former = unsafe { prctl(PR_GET_DUMPABLE, [0; 4]) }?;
    if former != 1 {
        return Ok(false);
    }
    set(0)?;
    Ok(true)
}

fn set(value: usize) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { prctl(PR_SET_DUMPABLE, [value, 0, 0, 0]) }.map(drop)
}
