//! The intermediate process: joins namespaces, makes the child in them, and exits.
//!
//! setns(2) requires a single-threaded process to join a user namespace, and a joined pid namespace applies only to
//! further children. The child is a child of the caller (`CLONE_PARENT`), unless the intermediate process stays.
#![allow(unsafe_code, reason = "clone3(2) in shared memory, and the pointer that it passes")]

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::{CloneArgs, Errno, child, clone_entry, clone3_entry, futex};

use super::handshake::{Handshake, Report};
use super::join::{self, Join};
use super::limits::Limit;
use super::oom::{self, OomScoreAdj};
use super::plan::ChildPlan;
use super::{dumpable, entry, executed, limits, wait};
use crate::step::Step;

/// The exit code after success.
const DONE: i32 = 0;
/// The exit code if the child was not made, was not executed, or its state is unknown.
const NOT_EXECUTED: i32 = 1;

/// The configuration of an intermediate process.
pub(crate) struct IntermediatePlan<'a> {
    /// Whether libc's fork made this process. Its child then gets its own copy of the memory.
    pub(crate) forks: bool,
    /// The handshake of this process, not of the child.
    pub(crate) handshake: &'a Handshake,
    /// The child inherits the value.
    pub(crate) oom_score_adj: Option<OomScoreAdj<'a>>,
    /// The dumpable flag to set first, with a copy of the memory. The child inherits it.
    pub(crate) dumpable: Option<bool>,
    /// The core limit of the intermediate process, which the child inherits: neither dumps the caller's memory.
    pub(crate) no_core: Option<Limit>,
    /// Whether to start a new session, which the child inherits.
    pub(crate) leaves_session: bool,
    pub(crate) join: Join<'a>,
    /// Where the kernel stores the process ID of the child, if the caller waits for it.
    pub(crate) made: Option<&'a AtomicU32>,
    /// Set if the child is a child of this process and not of the caller. Then this process stays until the child
    /// has started or exited, and stores its wait status here in the latter case.
    pub(crate) stays: Option<&'a AtomicI32>,
    /// The arguments of the child's clone.
    pub(crate) args: &'a CloneArgs<'a>,
    pub(crate) child: &'a ChildPlan<'a>,
}

/// Makes the intermediate process, which makes the child.
///
/// # Safety
/// As for [`entry::clone`], for both processes: each has its own stack and handshake, and everything that `plan`
/// points to stays valid until both have left the memory.
pub(crate) unsafe fn clone_intermediate(
    args: &CloneArgs<'_>,
    plan: &IntermediatePlan<'_>,
) -> Result<u32, Errno> {
    let arg = (&raw const *plan).cast_mut().cast();
    // SAFETY: `enter` and the functions that it calls are inside the fence; the caller guarantees the rest.
    let made = unsafe { clone3_entry(args, enter, arg) };
    match entry::fallback_args(args, &made) {
        // SAFETY: as for clone3(2); all signals stay blocked in the intermediate process, so no handler runs.
        Some(fallback) => unsafe { clone_entry(&fallback, enter, arg) },
        None => made,
    }
}

/// The entry function of the intermediate process.
///
/// # Safety
/// `plan` points to an `IntermediatePlan` that is valid until both processes have left this memory.
unsafe extern "C" fn enter(plan: *mut c_void) -> ! {
    // SAFETY: `clone_intermediate` passes such a plan, and no other function uses `enter`.
    run(unsafe { &*plan.cast::<IntermediatePlan<'_>>() })
}

/// Runs the intermediate process in the child of libc's fork, which has a copy of the memory.
///
/// # Safety
/// As for [`entry::clone_with_copy`].
pub(crate) unsafe fn run_forked_intermediate(plan: &IntermediatePlan<'_>) -> ! {
    run(plan)
}

/// Makes the child, reports an error and exits. As in `entry`, a panic aborts at this boundary.
extern "C" fn run(plan: &IntermediatePlan<'_>) -> ! {
    let mut list = child::RobustList::new();
    if plan.child.copied {
        // SAFETY: the stack and the handshake stay valid until this process has left this memory.
        let _ = unsafe { child::set_robust_list(&mut list, &plan.handshake.child_tid) };
    }
    let result = make_child(plan).and_then(|()| stay(plan));
    let Err(report) = result else { child::exit_group(DONE) };
    plan.handshake.report(report);
    wake_caller(plan);
    child::exit_group(NOT_EXECUTED)
}

/// Wakes the caller if it waits for the child's process ID: the ID or an error report is stored.
fn wake_caller(plan: &IntermediatePlan<'_>) {
    // If the wake-up fails, the caller notices the change within 100 ms.
    let _ = plan.made.map(|made| futex::wake(made, 1));
}

fn make_child(plan: &IntermediatePlan<'_>) -> Result<(), Report> {
    if child::getppid() == Ok(0) {
        // The caller makes children in another pid namespace than its own. If this process is the first one there,
        // its exit would kill the child, and process IDs in it are not valid for the caller.
        return Err(Report::new(Step::Clone, Errno::INVAL));
    }
    oom::set(plan.oom_score_adj)?;
    dumpable::set(plan.dumpable)?;
    limits::set_no_core(plan.no_core)?;
    if plan.leaves_session {
        child::setsid().map_err(|errno| Report::new(Step::Session, errno))?;
    }
    join::join(plan.join, plan.child.early_label, plan.handshake)?;
    let make = if plan.forks { entry::clone_with_copy } else { entry::clone };
    // SAFETY: the caller that made this process guarantees the same for the child.
    let made = unsafe { make(plan.args, plan.child) };
    made.map_err(|errno| Report::new(Step::Clone, errno))?;
    wake_caller(plan);
    if plan.forks {
        // Stays until the caller has a pidfd of this process: after its exit the process ID may be reused.
        wait::wait(plan.handshake, plan.child.parent);
    }
    Ok(())
}

/// Stays until the child has started, if the caller is not its parent: only the parent can find out whether the
/// child has executed.
fn stay(plan: &IntermediatePlan<'_>) -> Result<(), Report> {
    let (Some(made), Some(ended)) = (plan.made, plan.stays) else { return Ok(()) };
    let pid = made.load(Ordering::Acquire);
    // With an init, pid 1 executes a program even if a closure runs.
    let is_closure = plan.child.has_closure() && plan.child.init.is_none();
    match executed::wait(pid, plan.child.handshake, is_closure) {
        Ok(None) => {
            plan.handshake.set_child_started();
            Ok(())
        }
        Ok(Some(status)) => {
            ended.store(status.as_raw(), Ordering::Release);
            child::exit_group(NOT_EXECUTED)
        }
        Err(errno) => Err(Report::new(Step::Wait, errno)),
    }
}
