//! Explains a write that the kernel refused.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{Mode, StatVfsMountFlags, getxattr, stat, statvfs};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, dumpable_behavior, geteuid};
use rustix::thread::no_new_privs;

use crate::proc::is_written;
use crate::{Gid, IdKind, Owner, ProcError, Reason, SubIds, Uid, WritePlan, Writer};

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
    if file == Uid::FILE { is_written::<Uid>(dir) } else { is_written::<Gid>(dir) }
}

/// The reason why a helper refused a map, as far as the state of the caller shows it.
#[cold]
pub(super) fn of_helper<K: IdKind>(dir: BorrowedFd<'_>, program: &Path) -> Option<Reason> {
    if is_written::<K>(dir) {
        return Some(Reason::AlreadyWritten);
    }
    if no_new_privs().unwrap_or(false) {
        return Some(Reason::NoNewPrivs);
    }
    // A program with another name may get its privilege in another way.
    if program.ends_with(K::HELPER) && !gains_privilege(program) {
        return Some(Reason::UnprivilegedHelper { program: program.to_owned() });
    }
    let error = SubIds::read::<K>(&Owner::nameless(geteuid().as_raw())).err()?;
    let errno = error.raw_os_error().unwrap_or_default();
    Some(Reason::UnknownDelegation { file: K::DELEGATION, errno })
}

/// Whether execve(2) gives the program privilege, as far as that is known.
fn gains_privilege(program: &Path) -> bool {
    let is_nosuid = statvfs(program).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::NOSUID));
    let is_setuid = stat(program).map_or(true, |file| {
        Mode::from_raw_mode(file.st_mode).contains(Mode::SUID) && file.st_uid == 0
    });
    let has_capabilities = || getxattr(program, "security.capability", &mut [0_u8; 0]).is_ok();
    !is_nosuid && (is_setuid || has_capabilities())
}
