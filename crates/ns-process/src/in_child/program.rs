//! Executing the program: at the first of its paths where that is possible.
#![allow(unsafe_code, reason = "execve takes arrays of pointers")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::execve;

use super::handshake::Report;
use super::init;
use super::plan::ChildPlan;
use crate::step::Step;

/// Returns when no path could be executed, with the error that says most: a file that may not be
/// executed counts more than folders that do not have it.
pub(super) fn execute(plan: &ChildPlan<'_>) -> Report {
    if let Some(own) = plan.init {
        return init::execute(own, plan.handshake);
    }
    plan.handshake.set_executing();
    if let [only] = plan.candidates {
        return Report { step: Step::Exec, errno: try_path(plan, only), index: 0 };
    }
    let mut told = Report { step: Step::Exec, errno: Errno::NOENT, index: 0 };
    for (index, path) in (0..).zip(plan.candidates) {
        let errno = try_path(plan, path);
        match errno {
            _ if is_elsewhere(errno) => {}
            Errno::ACCESS if told.errno == Errno::NOENT => told = Report { errno, index, ..told },
            Errno::ACCESS => {}
            _ => return Report { errno, index, ..told },
        }
    }
    told
}

/// Whether the program may be in another folder, because this one does not have it or is not there.
fn is_elsewhere(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::NAMETOOLONG
            | Errno::NODEV
            | Errno::STALE
            | Errno::TIMEDOUT
    )
}

fn try_path(plan: &ChildPlan<'_>, path: &CStr) -> Errno {
    // SAFETY: the parent ended both arrays with a null pointer, and keeps them.
    unsafe { execve(path, plan.argv, plan.envp) }
}
