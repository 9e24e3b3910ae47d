//! Explains a write that the kernel refused.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, dumpable_behavior};

use crate::{GidMap, ProcError, Reason, UidMap, WritePlan, Writer};

/// Adds the reason to `EPERM` and `EACCES`, as far as the state of the caller shows it.
#[cold]
pub(super) fn explain(
    mut error: ProcError,
    dir: BorrowedFd<'_>,
    plan: impl FnOnce(&Writer) -> WritePlan,
) -> ProcError {
    if let ProcError::Open { file, source, why } | ProcError::Write { file, source, why } =
        &mut error
    {
        if source.kind() == io::ErrorKind::PermissionDenied {
            *why = Some(reason(file, source, dir, plan));
        }
    }
    error
}

fn reason(
    file: &str,
    error: &io::Error,
    dir: BorrowedFd<'_>,
    plan: impl FnOnce(&Writer) -> WritePlan,
) -> Reason {
    if is_map_written(file, dir) {
        return Reason::AlreadyWritten;
    }
    if Errno::from_io_error(error) == Some(Errno::ACCESS) && !is_dumpable() {
        return Reason::NotDumpable;
    }
    // Fails if /proc is not mounted.
    match Writer::current().map(|writer| plan(&writer)) {
        Ok(WritePlan::Impossible(reason)) => reason,
        Ok(WritePlan::Helper) => Reason::NeedsHelper,
        Ok(WritePlan::Direct) | Err(_) => Reason::NotTheParent,
    }
}

/// Whether the caller is dumpable now.
///
/// Another thread may change the attribute at any time, so it explains a refusal but predicts none.
fn is_dumpable() -> bool {
    dumpable_behavior().is_ok_and(|now| now == DumpableBehavior::Dumpable)
}

/// Whether the map is written. `setgroups` cannot be changed after `gid_map` is written.
fn is_map_written(file: &str, dir: BorrowedFd<'_>) -> bool {
    match file {
        "uid_map" => matches!(UidMap::read(dir), Ok(Some(_)) | Err(ProcError::Shown { .. })),
        _ => matches!(GidMap::read(dir), Ok(Some(_)) | Err(ProcError::Shown { .. })),
    }
}
