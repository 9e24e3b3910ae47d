//! The dumpable flag of a child with its own copy of the memory.
//!
//! The flag belongs to the address space: in shared memory a change would affect the caller.

use super::handshake::Report;
use super::plan::ChildPlan;
use super::prctl::{self, Attribute};

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
    let _ = prctl::set(Attribute::Dumpable, [dumpable.into(), 0]);
}
