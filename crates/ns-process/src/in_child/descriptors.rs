//! Descriptors, by the layer that knows them.
#![allow(unsafe_code, reason = "descriptors by number")]

use ns_fs::apply;

use super::handshake::Report;
use super::root::report;

pub(super) fn place(steps: &[apply::FdStep]) -> Result<(), Report> {
    // SAFETY: the numbers are those of the child's own table, which no value of this memory stands
    // for: the plan refuses `CLONE_FILES` together with descriptors.
    unsafe { apply::place_fds(steps) }.map_err(report)
}

pub(super) fn close_rest(ranges: &[apply::FdRange]) -> Result<(), Report> {
    // SAFETY: as above; nothing of the plan is used after it.
    unsafe { apply::close_rest(ranges) }.map_err(report)
}
