//! Root, mounts and working directory, by the layer that knows them.

use ns_fs::{StepError, apply};

use super::handshake::Report;
use crate::step::Step;

/// The index of the mount that is in no list: proc, by its path.
pub(crate) const PROC: u32 = u32::MAX;

/// What the parent compiled.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Root<'a> {
    pub(crate) root: Option<apply::Root<'a>>,
    /// Whether proc is mounted at `/proc` of a root that stays.
    pub(crate) proc_by_path: bool,
}

/// Before the first mount, a hook's among them.
pub(super) fn detach(plan: Root<'_>) -> Result<(), Report> {
    plan.root.map_or(Ok(()), apply::detach).map_err(report)
}

pub(super) fn change(plan: Root<'_>) -> Result<(), Report> {
    plan.root.map_or(Ok(()), apply::change).map_err(report)?;
    if plan.proc_by_path {
        apply::mount_proc().map_err(report)?;
    }
    Ok(())
}

/// The same step by the name that it has in a start.
pub(super) fn report(error: StepError) -> Report {
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
        _ => (Step::Mount, PROC),
    };
    Report { step, errno: error.errno, index }
}
