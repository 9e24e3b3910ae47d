//! The entries of the fence: into shared memory, and into a copy of the memory.
#![allow(unsafe_code, reason = "clone3(2) in shared memory, and the pointer that it passes")]

use core::ffi::c_void;

use ns_sys::{CloneArgs, CloneFlags, Errno, child, clone_entry, clone3, clone3_entry};

use super::plan::ChildPlan;
use super::{order, signals};

/// The exit code of a child that reported an error.
const FAILED: i32 = 127;

/// Makes the child in shared memory. It starts in `enter` with `plan`.
///
/// # Safety
/// - All signals are blocked.
/// - The stack and the `child_tid` word of `args`, `plan`, and everything that `plan` points to stay valid until
///   the child has left the memory.
/// - The arrays of `plan` end with a null pointer.
pub(crate) unsafe fn clone(args: &CloneArgs<'_>, plan: &ChildPlan<'_>) -> Result<u32, Errno> {
    let arg = (&raw const *plan).cast_mut().cast();
    // SAFETY: `enter` and the functions that it calls are inside the fence; the caller guarantees the rest.
    let made = unsafe { clone3_entry(args, enter, arg) };
    let Some(fallback) = fallback_args(args, &made) else { return made };
    let clears = args.flags().contains(CloneFlags::CLEAR_SIGHAND);
    let enter = if clears { enter_with_handlers } else { enter };
    // SAFETY: as for clone3(2) above.
    unsafe { clone_entry(&fallback, enter, arg) }
}

/// The arguments for clone(2) after clone3(2) has failed; `None` if clone(2) cannot help.
///
/// clone(2) is tried if clone3(2) is missing or does not support a flag, and if clone(2) can express the other
/// flags. It has no `CLONE_CLEAR_SIGHAND`: the child then resets the handlers itself.
pub(super) fn fallback_args<'a, T>(
    args: &CloneArgs<'a>,
    made: &Result<T, Errno>,
) -> Option<CloneArgs<'a>> {
    let is_missing = matches!(made, Err(Errno::NOSYS | Errno::INVAL));
    let fallback = is_missing.then(|| args.without(CloneFlags::CLEAR_SIGHAND))?;
    fallback.fits_clone().then_some(fallback)
}

/// The entry function of the child.
///
/// # Safety
/// `plan` points to a `ChildPlan` that is valid until the child has left this memory.
unsafe extern "C" fn enter(plan: *mut c_void) -> ! {
    // SAFETY: `clone` passes such a plan, and no other function uses `enter`.
    run(unsafe { &*plan.cast::<ChildPlan<'_>>() })
}

/// The entry function of a child that clone(2) made: it still has the caller's signal handlers. All signals are
/// still blocked, so none of them runs.
///
/// # Safety
/// As for [`enter`].
unsafe extern "C" fn enter_with_handlers(plan: *mut c_void) -> ! {
    signals::clear_handlers();
    // SAFETY: the caller guarantees the same.
    unsafe { enter(plan) }
}

/// Makes a child with its own copy of the memory. The child runs `plan` and does not return.
///
/// # Safety
/// - The calling thread is the only one of its process, and no other thread held a lock when the memory was copied.
/// - The arrays of `plan` end with a null pointer, and its handshake is in shared memory.
pub(super) unsafe fn clone_with_copy(
    args: &CloneArgs<'_>,
    plan: &ChildPlan<'_>,
) -> Result<u32, Errno> {
    // SAFETY: no other thread held a lock, so the child may do everything that its parent may.
    let made = unsafe { clone3(args) };
    let (made, has_handlers) = match fallback_args(args, &made) {
        // SAFETY: as for clone3(2) above.
        Some(fallback) => (unsafe { ns_sys::clone(&fallback) }, true),
        None => (made, false),
    };
    if let Some(pid) = made? {
        return Ok(pid);
    }
    if has_handlers {
        signals::clear_handlers();
    }
    run(plan)
}

/// Runs `plan` in the child of libc's fork, which has a copy of the memory.
///
/// # Safety
/// - libc's fork has just returned 0 in this thread: it is the only one of its process, and libc's locks are free.
/// - The arrays of `plan` end with a null pointer, and its handshake is in shared memory.
pub(crate) unsafe fn run_forked(plan: &ChildPlan<'_>) -> ! {
    run(plan)
}

/// Runs the child's steps, reports the error and exits.
///
/// A panic aborts at this `extern "C"` boundary. It must not unwind into the frames below, which are the caller's.
extern "C" fn run(plan: &ChildPlan<'_>) -> ! {
    let mut list = child::RobustList::new();
    if plan.copied {
        // SAFETY: the stack and the handshake stay valid until the child has left this memory. If the call
        // fails, the caller polls instead.
        let _ = unsafe { child::set_robust_list(&mut list, &plan.handshake.child_tid) };
    }
    let report = order::run(plan);
    plan.handshake.report(report);
    if !plan.makes.is_empty() {
        plan.handshake.set_made();
    }
    if plan.waits.before_pivot {
        plan.handshake.set_mounted();
    }
    child::exit_group(FAILED)
}
