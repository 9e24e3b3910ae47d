//! The steps of a child, in order. Reading from top to bottom is the proof.

use ns_fs::apply;
use ns_sys::{Errno, child};

use super::child_plan::ChildPlan;
use super::words::Report;
use super::{program, wait_for_go};
use crate::step::Step;

/// The number of signals (`_NSIG`).
const SIGNALS: u32 = 64;

/// Makes every step, and returns with the first that failed.
///
/// Why in this order:
/// - Dispositions before the wait for go: it may be long, and they need no map.
/// - Go before everything that the maps decide: without a map every step is made as nobody, and an
///   exec would drop the capabilities for good.
/// - Propagation before the first mount, which would show in the caller's namespace otherwise.
/// - Mounts before the mask: nothing may interrupt them half-way.
/// - The mask last: from here on a signal ends the child, and the caller sees that it never
///   executed.
pub(super) fn run(plan: &ChildPlan<'_>) -> Report {
    match make_steps(plan) {
        Ok(never) => match never {},
        Err(report) => report,
    }
}

fn make_steps(plan: &ChildPlan<'_>) -> Result<core::convert::Infallible, Report> {
    dispositions();
    wait_for_go::wait(plan);
    if let Some(wish) = plan.propagation {
        apply::propagation(wish).map_err(|error| step(Step::Propagation, error.errno))?;
    }
    if plan.mount_proc {
        apply::mount_proc().map_err(|error| step(Step::MountProc, error.errno))?;
    }
    child::rt_sigprocmask(plan.mask).map_err(|errno| step(Step::SignalMask, errno))?;
    Err(program::execute(plan))
}

/// `CLEAR_SIGHAND` took handlers away and left ignored signals ignored.
fn dispositions() {
    for signal in 1..=SIGNALS {
        // Refused for SIGKILL and SIGSTOP, which have no other.
        let _ = child::rt_sigaction_default(signal);
    }
}

fn step(step: Step, errno: Errno) -> Report {
    Report { step, errno, index: 0 }
}
