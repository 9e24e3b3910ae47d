//! Executes the open file of the program, or the first path where this succeeds.
#![allow(unsafe_code, reason = "execve(2) and execveat(2) take arrays of pointers")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::{AtFlags, execve, execveat};
use ns_sys::fd::BorrowedFd;

use super::handshake::Report;
use super::init;
use super::plan::ChildPlan;
use crate::step::Step;

/// The paths of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paths<'a> {
    One(&'a CStr),
    /// The paths to try, in order.
    Several(&'a [&'a CStr]),
}

/// Executes the program, or in pid 1 the init. Returns only on an error.
pub(super) fn execute(plan: &ChildPlan<'_>) -> Report {
    if let Some(init) = plan.init {
        return init::execute(init, plan.handshake);
    }
    plan.handshake.set_executing();
    if let Some(file) = plan.program_fd {
        return Report::new(Step::Exec, execute_file(plan, file));
    }
    match plan.paths {
        Paths::One(path) => Report::new(Step::Exec, try_path(plan, path)),
        Paths::Several(paths) => search(plan, paths),
    }
}

/// As in execvp(3), `EACCES` for one path takes precedence over `ENOENT` for the others.
fn search(plan: &ChildPlan<'_>, paths: &[&CStr]) -> Report {
    let mut failure = Report { step: Step::Exec, errno: Errno::NOENT, index: 0 };
    for (index, path) in (0..).zip(paths) {
        let errno = try_path(plan, path);
        match errno {
            _ if is_not_found(errno) => {}
            Errno::ACCESS if failure.errno == Errno::NOENT => {
                failure = Report { errno, index, ..failure };
            }
            Errno::ACCESS => {}
            _ => return Report { errno, index, ..failure },
        }
    }
    failure
}

/// The errnos of a path that does not exist.
pub(crate) const NOT_FOUND: [Errno; 7] = [
    Errno::NOENT,
    Errno::NOTDIR,
    Errno::LOOP,
    Errno::NAMETOOLONG,
    Errno::NODEV,
    Errno::STALE,
    Errno::TIMEDOUT,
];

/// Whether the path does not exist, so that the program may be in another directory.
fn is_not_found(errno: Errno) -> bool {
    NOT_FOUND.contains(&errno)
}

fn try_path(plan: &ChildPlan<'_>, path: &CStr) -> Errno {
    // SAFETY: both arrays end with a null pointer, and the parent keeps them valid.
    unsafe { execve(path, plan.argv, plan.envp) }
}

fn execute_file(plan: &ChildPlan<'_>, file: BorrowedFd<'_>) -> Errno {
    // SAFETY: both arrays end with a null pointer, and the parent keeps them valid.
    unsafe { execveat(file, c"", plan.argv, plan.envp, AtFlags::EMPTY_PATH) }
}
