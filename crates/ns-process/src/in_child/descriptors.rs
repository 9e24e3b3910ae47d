//! Places and closes descriptors, with the steps of `ns_fs`.
#![allow(unsafe_code, reason = "descriptors by number")]

use ns_fs::apply;

use super::handshake::Report;
use super::root::report;

#[inline]
pub(super) fn place(steps: &[apply::FdStep]) -> Result<(), Report> {
    // SAFETY: the numbers refer to the child's own descriptor table, because the plan removes `CLONE_FILES` from its
    // clone. No value in memory owns a descriptor of that table.
    unsafe { apply::place_fds(steps) }.map_err(report)
}

#[inline]
pub(super) fn close_rest(ranges: &[apply::FdRange]) -> Result<(), Report> {
    // SAFETY: as in `place`; no later step uses a descriptor in `ranges`.
    unsafe { apply::close_rest(ranges) }.map_err(report)
}
