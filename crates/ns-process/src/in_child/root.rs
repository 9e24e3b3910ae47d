//! Root, mounts and working directory, with the steps of `ns_fs`.

use ns_fs::{StepError, apply};

use super::handshake::Report;
use crate::step::Step;

/// The index of the mount of `/proc` by path, which is in no list.
pub(crate) const PROC: u32 = u32::MAX;

/// The settings, compiled by the parent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Root<'a> {
    pub(crate) root: Option<apply::Root<'a>>,
    /// Whether to mount proc at `/proc` of an unchanged root.
    pub(crate) proc_by_path: bool,
}

/// Changes the mount propagation. Must precede the first mount, including mounts of a hook.
#[inline]
pub(super) fn set_propagation(root: Root<'_>) -> Result<(), Report> {
    root.root.map_or(Ok(()), apply::detach).map_err(report)
}

/// Makes the mounts. A new root is the working directory then.
#[inline]
pub(super) fn make_mounts(root: Root<'_>) -> Result<(), Report> {
    root.root.map_or(Ok(()), apply::make_mounts).map_err(report)
}

/// Changes the root and the working directory.
#[inline]
pub(super) fn enter(root: Root<'_>) -> Result<(), Report> {
    root.root.map_or(Ok(()), apply::enter).map_err(report)?;
    if root.proc_by_path {
        apply::mount_proc().map_err(report)?;
    }
    Ok(())
}

/// Translates an error of `ns_fs`.
pub(super) fn report(error: StepError) -> Report {
    let (step, index) = match error.step {
        ns_fs::Step::Propagation => (Step::Propagation, 0),
        ns_fs::Step::OpenRoot => (Step::OpenRoot, 0),
        ns_fs::Step::MountTarget(index) => (Step::MountTarget, index),
        ns_fs::Step::MountSource { mount, source } => (Step::MountSource, pack(mount, source)),
        ns_fs::Step::Mount(index) => (Step::Mount, index),
        ns_fs::Step::ReadOnlyRoot => (Step::ReadOnlyRoot, 0),
        ns_fs::Step::PivotRoot => (Step::PivotRoot, 0),
        ns_fs::Step::DetachOldRoot => (Step::DetachOldRoot, 0),
        ns_fs::Step::Chroot => (Step::Chroot, 0),
        ns_fs::Step::Workdir => (Step::Workdir, 0),
        ns_fs::Step::OpenConsole => (Step::Console, 0),
        ns_fs::Step::MountConsole => (Step::MountConsole, 0),
        ns_fs::Step::PlaceFd(number) => (Step::PlaceFd, number.unsigned_abs()),
        ns_fs::Step::CloseRest => (Step::CloseRest, 0),
        _ => (Step::Mount, PROC),
    };
    Report { step, errno: error.errno, index }
}

/// The index of a source of a mount: a report has one number for both.
const fn pack(mount: u32, source: u32) -> u32 {
    mount & 0xffff | (source & 0xffff) << 16
}

/// The step of `ns_fs` in a report, if it is about a mount in the list.
pub(crate) fn unpack(report: Report) -> Option<StepError> {
    let Report { step, errno, index } = report;
    let step = match step {
        Step::MountTarget if index != PROC => ns_fs::Step::MountTarget(index),
        Step::Mount if index != PROC => ns_fs::Step::Mount(index),
        Step::MountSource => {
            ns_fs::Step::MountSource { mount: index & 0xffff, source: index >> 16 }
        }
        _ => return None,
    };
    Some(StepError { step, errno })
}
