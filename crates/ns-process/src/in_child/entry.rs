//! The one way into the fence.
#![allow(unsafe_code, reason = "clone3 in shared memory, and the pointer it hands over")]

use core::ffi::c_void;

use ns_sys::{CloneArgs, Errno, child, clone3_entry};

use super::child_plan::ChildPlan;
use super::steps;

/// The exit code of a child that reported.
const FAILED: i32 = 127;

/// Makes the child, which begins in `enter` with `plan`.
///
/// The caller holds all signals back, and keeps `plan` and the stack in `args` until the child has
/// left the memory: `engine::start` does, through `Child`.
pub(crate) fn clone(args: &CloneArgs<'_>, plan: &ChildPlan<'_>) -> Result<u32, Errno> {
    // SAFETY: `enter` and all it calls lie inside the fence; the rest is the caller's, as above.
    unsafe { clone3_entry(args, enter, (&raw const *plan).cast_mut().cast()) }
}

/// The child.
///
/// # Safety
/// `plan` leads to a `ChildPlan` that outlives the child's stay in this memory.
unsafe extern "C" fn enter(plan: *mut c_void) -> ! {
    // SAFETY: `clone`, the only one who names this function, passes such a plan.
    let plan = unsafe { &*plan.cast::<ChildPlan<'_>>() };
    let report = steps::run(plan);
    plan.words.report(report);
    child::exit_group(FAILED)
}
