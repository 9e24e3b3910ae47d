//! Places and closes descriptors, with the steps of `ns_fs`.
#![allow(unsafe_code, reason = "descriptors by number")]

use ns_fs::apply;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::root::report;

pub(super) fn place(plan: &ChildPlan<'_>) -> Result<(), Report> {
    // SAFETY: the numbers refer to the child's own descriptor table, because the plan removes `CLONE_FILES` from its
    // clone. No value in memory owns a descriptor of that table.
    unsafe { apply::place_fds(plan.place_fds) }.map_err(report)
}

pub(super) fn close_rest(plan: &ChildPlan<'_>) -> Result<(), Report> {
    // SAFETY: as in `place`; no later step uses a descriptor in these ranges.
    unsafe { apply::close_rest(plan.close_rest) }.map_err(report)
}
