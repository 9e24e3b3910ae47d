//! The dumpable flag of a child with its own copy of the memory.
//!
//! The flag belongs to the address space: in shared memory a change would affect the caller.
#![allow(unsafe_code, reason = "prctl(2) with integer arguments")]

use ns_sys::child;

use super::handshake::Report;
use super::plan::ChildPlan;

/// include/uapi/linux/prctl.h.
const PR_SET_DUMPABLE: u32 = 4;

#[expect(clippy::unnecessary_wraps, reason = "a step")]
pub(super) fn set_first(plan: &ChildPlan<'_>) -> Result<(), Report> {
    set(plan.dumpable);
    Ok(())
}

/// Sets the flag again once the caller has written the ID maps.
#[expect(clippy::unnecessary_wraps, reason = "a step")]
pub(super) fn set_at_release(plan: &ChildPlan<'_>) -> Result<(), Report> {
    set(plan.dumpable_at_release);
    Ok(())
}

/// Sets the flag if there is a value. The kernel accepts both 0 and 1.
pub(super) fn set(dumpable: Option<bool>) {
    let Some(dumpable) = dumpable else { return };
    // SAFETY: the option takes integer arguments only.
    let _ = unsafe { child::prctl(PR_SET_DUMPABLE, [dumpable.into(), 0, 0, 0]) };
}
