//! The dumpable flag of this program. There is one flag, and starts need different values of it.
//!
//! See [`Dumpable`](crate::plan::Dumpable) for the value that a start needs. Starts that need the
//! same value hold the flag together; the others take turns in the order of arrival. No start waits
//! long: if it does not get the flag in time, it copies the memory instead.
#![allow(unsafe_code, reason = "prctl")]

use std::collections::VecDeque;
use std::prelude::rust_2024::*;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ns_sys::Errno;
use ns_sys::child::prctl;

use crate::error::Error;
use crate::step::Step;

/// From include/uapi/linux/prctl.h.
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;

/// The value of the flag that a start needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The value that the program has set.
    Kept,
    /// Clear; restored to the program's value at the end.
    Cleared,
}

/// The holders of the flag, and the queue of waiting starts.
pub(super) struct Holders {
    need: Need,
    count: usize,
    /// The program's value, while the flag is cleared.
    program_value: usize,
    waiting: VecDeque<u64>,
    next: u64,
}

static HOLDERS: Mutex<Holders> = Mutex::new(Holders {
    need: Need::Kept,
    count: 0,
    program_value: 0,
    waiting: VecDeque::new(),
    next: 0,
});
static CHANGED: Condvar = Condvar::new();

/// Holds the flag at the needed value. Any thread may drop it.
#[derive(Debug)]
pub(super) struct Hold(());

impl Hold {
    /// Waits for the flag no longer than `patience`. Returns `None` if another start still holds it
    /// at the other value, such as the start in whose hook this one runs.
    pub(super) fn new(need: Need, patience: Duration) -> Result<Option<Self>, Errno> {
        let turn = wait_for_turn(lock(), need, Instant::now() + patience);
        let Some(mut holders) = turn else { return Ok(None) };
        if holders.count == 0 {
            if need == Need::Cleared {
                holders.program_value = clear()?;
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
            // The child may have changed the flag. The kernel refuses to set 2, "dumpable by root".
            let _ = set(holders.program_value);
        }
        if !holders.waiting.is_empty() {
            CHANGED.notify_all();
        }
    }
}

/// Waits until no earlier start waits, and the flag is free or held at the needed value.
fn wait_for_turn(mut holders: Lock, need: Need, deadline: Instant) -> Option<Lock> {
    let is_due = |holders: &Holders| holders.count == 0 || holders.need == need;
    if holders.waiting.is_empty() && is_due(&holders) {
        return Some(holders);
    }
    let ticket = holders.next;
    holders.next += 1;
    holders.waiting.push_back(ticket);
    loop {
        let has_turn = holders.waiting.front() == Some(&ticket) && is_due(&holders);
        let left = deadline.saturating_duration_since(Instant::now());
        if has_turn || left.is_zero() {
            holders.waiting.retain(|other| *other != ticket);
            // The next start may have its turn now.
            CHANGED.notify_all();
            return has_turn.then_some(holders);
        }
        let woken = CHANGED.wait_timeout(holders, left);
        holders = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Whether the program's own flag is set. A start may have cleared the flag temporarily.
pub(super) fn is_dumpable() -> bool {
    is_dumpable_in(&lock())
}

/// Whether the program's own flag is set, according to the locked state.
pub(super) fn is_dumpable_in(holders: &Lock) -> bool {
    let is_cleared = holders.count > 0 && holders.need == Need::Cleared;
    if is_cleared { holders.program_value == 1 } else { get() == Ok(1) }
}

/// `prctl(PR_SET_DUMPABLE, dumpable)` — sets the "dumpable" attribute of the calling process.
///
/// A start may clear the attribute for a short time, and sets it again afterwards. It cannot
/// distinguish a 0 that the program sets meanwhile by prctl(2) from its own, and would undo it.
/// This function is not undone: while such a start runs, the attribute stays clear, and at its end
/// it gets the value that was set here.
///
/// An unprivileged program that stays undumpable cannot write the maps of a child:
/// [`Step::UidMap`](crate::Step::UidMap), `EACCES`. This also applies to a start that is writing
/// them at the moment of the call.
///
/// ```standalone_crate
/// ns_process::set_dumpable(false)?;
/// let status = ns_process::Container::new("true").status()?;
/// assert!(status.success());
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// None that a caller can act on.
///
/// # Kernel support
/// Linux 2.4.
///
/// # References
/// prctl(2) `PR_SET_DUMPABLE`, proc(5), ptrace(2).
pub fn set_dumpable(dumpable: bool) -> Result<(), Error> {
    set_program_value(dumpable)
        .map_err(|errno| Error::new("set_dumpable", Step::Prepare).with_errno(errno))
}

/// Sets the program's own flag, also while a start has cleared it.
fn set_program_value(dumpable: bool) -> Result<(), Errno> {
    let mut holders = lock();
    if holders.count > 0 && holders.need == Need::Cleared {
        holders.program_value = dumpable.into();
        return Ok(());
    }
    set(dumpable.into())
}

/// The locked state.
pub(super) type Lock = MutexGuard<'static, Holders>;

/// Resets the state in a forked child, in which no start continues. The steps of the child set the
/// flag.
pub(super) fn reset_in_child(holders: &mut Lock) {
    let next = holders.next;
    let waiting = VecDeque::new();
    **holders = Holders { need: Need::Kept, count: 0, program_value: 0, waiting, next };
}

pub(super) fn lock() -> Lock {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clears the flag, and returns its previous value. The value 2, "dumpable by root", is left as it
/// is: other processes may not trace the program then, and prctl(2) could not restore it.
fn clear() -> Result<usize, Errno> {
    let previous = get()?;
    if previous == 1 {
        set(0)?;
    }
    Ok(previous)
}

fn get() -> Result<usize, Errno> {
    // SAFETY: the option takes no pointers.
    unsafe { prctl(PR_GET_DUMPABLE, [0; 4]) }
}

fn set(value: usize) -> Result<(), Errno> {
    // SAFETY: the option takes no pointers.
    unsafe { prctl(PR_SET_DUMPABLE, [value, 0, 0, 0]) }.map(drop)
}
