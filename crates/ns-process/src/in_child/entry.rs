//! The ways into the fence: in shared memory, and with memory of the child's own.
#![allow(unsafe_code, reason = "clone3 in shared memory, and the pointer it hands over")]

use core::ffi::c_void;

use ns_sys::{CloneArgs, CloneFlags, Errno, child, clone_entry, clone3, clone3_entry};

use super::plan::ChildPlan;
use super::{dispositions, order};

/// The exit code of a child that reported.
const FAILED: i32 = 127;

/// Makes the child, which begins in `enter` with `plan`.
///
/// # Safety
/// The caller holds all signals back; it keeps the stack and the word in `args`, and `plan` with all
/// that it leads to, until the child has left the memory; the arrays of `plan` end with null.
pub(crate) unsafe fn clone(args: &CloneArgs<'_>, plan: &ChildPlan<'_>) -> Result<u32, Errno> {
    let arg = (&raw const *plan).cast_mut().cast();
    // SAFETY: `enter` and all it calls lie inside the fence; the rest is the caller's, as above.
    let made = unsafe { clone3_entry(args, enter, arg) };
    let Some(older) = older(args, &made) else { return made };
    let clears = args.flags().contains(CloneFlags::CLEAR_SIGHAND);
    let enter = if clears { enter_with_handlers } else { enter };
    // SAFETY: as above.
    unsafe { clone_entry(&older, enter, arg) }
}

/// The arguments for clone(2), where clone3 is missing or does not know a flag, and that call can
/// carry them; the handlers have to be taken away otherwise.
pub(super) fn older<'a, T>(args: &CloneArgs<'a>, made: &Result<T, Errno>) -> Option<CloneArgs<'a>> {
    let is_missing = matches!(made, Err(Errno::NOSYS | Errno::INVAL));
    let older = is_missing.then(|| args.without(CloneFlags::CLEAR_SIGHAND))?;
    older.fits_clone().then_some(older)
}

/// The child.
///
/// # Safety
/// `plan` leads to a `ChildPlan` that outlives the child's stay in this memory.
unsafe extern "C" fn enter(plan: *mut c_void) -> ! {
    // SAFETY: `clone`, the only one who names this function, passes such a plan.
    run(unsafe { &*plan.cast::<ChildPlan<'_>>() })
}

/// The child that clone(2) made, with the caller's handlers. Signals are still held back.
///
/// # Safety
/// As of [`enter`].
unsafe extern "C" fn enter_with_handlers(plan: *mut c_void) -> ! {
    dispositions::clear_handlers();
    // SAFETY: the caller's word.
    unsafe { enter(plan) }
}

/// Makes a child with memory of its own, which goes on with `plan` and does not return.
///
/// # Safety
/// The caller is alone in its process, whose locks are those of its own thread; the arrays of `plan`
/// end with null, and its words are shared.
pub(super) unsafe fn clone_apart(args: &CloneArgs<'_>, plan: &ChildPlan<'_>) -> Result<u32, Errno> {
    // SAFETY: nobody else held a lock, so that the child may do what its creator may.
    let made = unsafe { clone3(args) };
    let (made, has_handlers) = match older(args, &made) {
        // SAFETY: as above.
        Some(older) => (unsafe { ns_sys::clone(&older) }, true),
        None => (made, false),
    };
    if let Some(pid) = made? {
        return Ok(pid);
    }
    if has_handlers {
        dispositions::clear_handlers();
    }
    run(plan)
}

/// Goes on as the child, in the copy of memory that fork made.
///
/// # Safety
/// Fork left this thread alone in its process, with libc's locks free; the arrays of `plan` end with
/// null, and its words are shared.
pub(crate) unsafe fn go_on(plan: &ChildPlan<'_>) -> ! {
    run(plan)
}

/// Ends the process rather than unwind: the frames behind are the caller's.
extern "C" fn run(plan: &ChildPlan<'_>) -> ! {
    let mut list = child::RobustList::new();
    if plan.copied {
        // SAFETY: this stack and the words stay until the child has left this memory. A child that
        // cannot announce it is waited for in rounds.
        let _ = unsafe { child::set_robust_list(&mut list, &plan.handshake.child_tid) };
    }
    let report = order::run(plan);
    plan.handshake.report(report);
    if !plan.makes.is_empty() {
        plan.handshake.made();
    }
    child::exit_group(FAILED)
}
