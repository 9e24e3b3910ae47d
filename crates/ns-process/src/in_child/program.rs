//! Executing the program: at the first of its paths where that is possible.
#![allow(unsafe_code, reason = "execve takes arrays of pointers")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::execve;

use super::child_plan::ChildPlan;
use super::words::Report;
use crate::step::Step;

/// Returns when no path could be executed, with the error that says most: a file that may not be
/// executed counts more than folders that do not have it.
pub(super) fn execute(plan: &ChildPlan<'_>) -> Report {
    if let [only] = plan.candidates {
        return Report { step: Step::Exec, errno: try_path(plan, only), index: 0 };
    }
    let mut told = Report { step: Step::Exec, errno: Errno::NOENT, index: 0 };
    for (index, path) in (0..).zip(plan.candidates) {
        let errno = try_path(plan, path);
        match errno {
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => told = Report { errno, index, ..told },
            _ => return Report { errno, index, ..told },
        }
    }
    told
}

fn try_path(plan: &ChildPlan<'_>, path: &CStr) -> Errno {
    // SAFETY: the parent ended both arrays with a null pointer, and keeps them.
    unsafe { execve(path, plan.argv, plan.envp) }
}
