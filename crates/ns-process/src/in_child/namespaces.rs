//! Namespaces that the child creates with unshare(2), in its own copy of the memory.
//!
//! libc's fork creates no namespaces. A new time namespace would apply only to the children of the process that creates
//! it, so the child creates its own and joins it.

use ns_sys::{NamespaceFlags, unshare};

use super::handshake::Report;
use super::plan::ChildPlan;
use crate::step::Step;

/// Creates the namespaces. From then on the caller can write their maps and clock offsets.
pub(super) fn make(plan: &ChildPlan<'_>) -> Result<(), Report> {
    if plan.makes.is_empty() {
        return Ok(());
    }
    let only_time = plan.makes == NamespaceFlags::TIME;
    let step = if only_time { Step::TimeNamespace } else { Step::Clone };
    unshare(plan.makes.into()).map_err(|errno| Report::new(step, errno))?;
    plan.handshake.set_made();
    Ok(())
}
