//! A process between caller and child: it enters namespaces, makes the child in them, and ends.
//!
//! Alone in its thread group it may enter a user namespace, and a pid namespace is entered by the
//! children of who joins it. The child is the caller's, not its own.
#![allow(unsafe_code, reason = "clone3 in shared memory, and the pointer it hands over")]

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::{CloneArgs, Errno, child, clone_entry, clone3_entry, futex};

use super::handshake::{Handshake, Report};
use super::join::{Join, join};
use super::limits::Limits;
use super::plan::ChildPlan;
use super::{dumpable, entry, executed, limits, wait};
use crate::step::Step;

/// Its exit code; what went wrong stands in its words.
const DONE: i32 = 0;
/// The child that it stayed for never executed, or it cannot tell.
const NOT_EXECUTED: i32 = 1;

/// What it is given.
pub(crate) struct IntermediatePlan<'a> {
    /// Whether it is fork's, and its child has memory of its own.
    pub(crate) forks: bool,
    /// Its own, where it reports.
    pub(crate) handshake: &'a Handshake,
    /// Its first dumpable flag, where memory is a copy: the child's too.
    pub(crate) dumpable: Option<bool>,
    /// Keeps it, and what it makes, from dumping the caller's memory.
    pub(crate) no_core: Limits<'a>,
    /// Whether what it makes is to be in another session.
    pub(crate) leaves_session: bool,
    pub(crate) join: Join<'a>,
    /// Where the kernel stores the child's id, if the caller waits for that.
    pub(crate) made: Option<&'a AtomicU32>,
    /// Where it leaves the child's status word, if the child is its own and not the caller's: then it stays until
    /// that one executes, or ends.
    pub(crate) stays: Option<&'a AtomicI32>,
    /// Of the child's clone.
    pub(crate) args: &'a CloneArgs<'a>,
    pub(crate) child: &'a ChildPlan<'a>,
}

/// Makes the middle process, which makes the child.
///
/// # Safety
/// As of [`entry::clone`], for both processes: two stacks, two words, and everything that `plan`
/// leads to.
pub(crate) unsafe fn clone_through(
    args: &CloneArgs<'_>,
    plan: &IntermediatePlan<'_>,
) -> Result<u32, Errno> {
    let arg = (&raw const *plan).cast_mut().cast();
    // SAFETY: `enter` and all it calls lie inside the fence; the rest is the caller's, as above.
    let made = unsafe { clone3_entry(args, enter, arg) };
    match entry::older(args, &made) {
        // SAFETY: as above; the middle holds back every signal, so that no handler runs in it.
        Some(older) => unsafe { clone_entry(&older, enter, arg) },
        None => made,
    }
}

/// The middle process.
///
/// # Safety
/// `plan` leads to a `IntermediatePlan` that outlives the stay of both processes in this memory.
unsafe extern "C" fn enter(plan: *mut c_void) -> ! {
    // SAFETY: `clone_through`, the only one who names this function, passes such a plan.
    run(unsafe { &*plan.cast::<IntermediatePlan<'_>>() })
}

/// Goes on as the middle process, in the copy of memory that fork made.
///
/// # Safety
/// As of [`entry::clone_apart`].
pub(crate) unsafe fn go_through_fork(plan: &IntermediatePlan<'_>) -> ! {
    run(plan)
}

/// As `entry`'s.
extern "C" fn run(plan: &IntermediatePlan<'_>) -> ! {
    let mut list = child::RobustList::new();
    if plan.child.copied {
        // SAFETY: as in `entry`.
        let _ = unsafe { child::set_robust_list(&mut list, &plan.handshake.child_tid) };
    }
    let gone = go_through(plan).and_then(|()| stay(plan));
    let Err(report) = gone else { child::exit_group(DONE) };
    plan.handshake.report(report);
    tell(plan);
    child::exit_group(NOT_EXECUTED)
}

/// Whoever waits for the child's id may look: it is there, or never will be.
fn tell(plan: &IntermediatePlan<'_>) {
    // If the wake were lost, the caller's own round of 100 ms would end.
    let _ = plan.made.map(|made| futex::wake(made, 1));
}

fn go_through(plan: &IntermediatePlan<'_>) -> Result<(), Report> {
    if child::getppid() == Ok(0) {
        // Of another pid namespace than the caller: with its first process everything in it would end, and
        // ids in it are not the caller's.
        return Err(Report::new(Step::Clone, Errno::INVAL));
    }
    dumpable::set(plan.dumpable);
    limits::no_core(plan.no_core)?;
    if plan.leaves_session {
        child::setsid().map_err(|errno| Report::new(Step::Session, errno))?;
    }
    join(plan.join, plan.child.early_label, plan.handshake)?;
    let make = if plan.forks { entry::clone_apart } else { entry::clone };
    // SAFETY: the word of whoever made this process, for the child.
    let made = unsafe { make(plan.args, plan.child) };
    made.map_err(|errno| Report::new(Step::Clone, errno))?;
    tell(plan);
    if plan.forks {
        // Until the caller has a descriptor of this process: its number may be another one's later.
        wait::wait(plan.handshake, plan.child.parent);
    }
    Ok(())
}

/// A parent that ends before the child executes could not be asked whether it did.
fn stay(plan: &IntermediatePlan<'_>) -> Result<(), Report> {
    let (Some(made), Some(ended)) = (plan.made, plan.stays) else { return Ok(()) };
    let pid = made.load(Ordering::Acquire);
    // Beside a closure pid 1 is a program.
    let is_closure = plan.child.has_closure() && plan.child.init.is_none();
    match executed::wait(pid, plan.child.handshake, is_closure) {
        Ok(None) => {
            plan.handshake.has_seen();
            Ok(())
        }
        Ok(Some(status)) => {
            ended.store(status.as_raw(), Ordering::Release);
            child::exit_group(NOT_EXECUTED)
        }
        Err(errno) => Err(Report::new(Step::Wait, errno)),
    }
}
