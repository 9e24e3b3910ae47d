//! Root, mounts, working directory and descriptors, by the layer that knows them.
#![allow(unsafe_code, reason = "descriptors by number")]

use ns_fs::{StepError, apply};

use super::words::Report;
use crate::step::Step;

pub(super) fn root(plan: Option<apply::Root<'_>>) -> Result<(), Report> {
    plan.map_or(Ok(()), apply::root).map_err(report)
}

pub(super) fn place_fds(steps: &[apply::FdStep]) -> Result<(), Report> {
    // SAFETY: the numbers are those of the child's own table, which no `Rust` value of this memory
    // stands for: the plan refuses `CLONE_FILES` together with descriptors.
    unsafe { apply::place_fds(steps) }.map_err(report)
}

pub(super) fn close_rest(ranges: &[apply::FdRange]) -> Result<(), Report> {
    if ranges.is_empty() {
        return Ok(());
    }
    // SAFETY: as above; nothing of the plan is used after it.
    unsafe { apply::close_rest(ranges) }.map_err(report)
}

/// The same step by the name that it has in a start.
fn report(error: StepError) -> Report {
    let (step, index) = match error.step {
        ns_fs::Step::Propagation => (Step::Propagation, 0),
        ns_fs::Step::OpenRoot => (Step::OpenRoot, 0),
        ns_fs::Step::MountTarget(index) => (Step::MountTarget, index),
        ns_fs::Step::Mount(index) => (Step::Mount, index),
        ns_fs::Step::ReadOnlyRoot => (Step::ReadOnlyRoot, 0),
        ns_fs::Step::PivotRoot => (Step::PivotRoot, 0),
        ns_fs::Step::DetachOldRoot => (Step::DetachOldRoot, 0),
        ns_fs::Step::Chroot => (Step::Chroot, 0),
        ns_fs::Step::Workdir => (Step::Workdir, 0),
        ns_fs::Step::PlaceFd(number) => (Step::PlaceFd, number.unsigned_abs()),
        ns_fs::Step::CloseRest => (Step::CloseRest, 0),
        _ => (Step::Mount, 0),
    };
    Report { step, errno: error.errno, index }
}
