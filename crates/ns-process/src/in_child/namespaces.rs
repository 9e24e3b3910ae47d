//! Namespaces that the child makes itself, in memory of its own: a time namespace is for its maker's children
//! alone, and fork makes none.

use ns_sys::{NamespaceFlags, unshare};

use super::handshake::Report;
use super::plan::ChildPlan;
use crate::step::Step;

/// Makes them; the caller can write their files from here on.
pub(super) fn make(plan: &ChildPlan<'_>) -> Result<(), Report> {
    if plan.makes.is_empty() {
        return Ok(());
    }
    let only_time = plan.makes == NamespaceFlags::TIME;
    let step = if only_time { Step::TimeNamespace } else { Step::Clone };
    unshare(plan.makes.into()).map_err(|errno| Report::new(step, errno))?;
    plan.handshake.made();
    Ok(())
}
