//! A process between caller and child: it enters namespaces, makes the child in them, and ends.
//!
//! Alone in its thread group it may enter a user namespace, and a pid namespace is entered by the
//! children of who joins it. The child is the caller's, not its own.
#![allow(unsafe_code, reason = "clone3 in shared memory, and the pointer it hands over")]

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::{CloneArgs, Errno, child, clone_entry, clone3_entry, futex};

use super::child_plan::ChildPlan;
use super::join::{Join, join};
use super::words::{Report, Words};
use super::{entry, executed, limits, wait_for_go};
use crate::step::Step;

/// Its exit code; what went wrong stands in its words.
const DONE: i32 = 0;
/// The child that it stayed for never executed, or it cannot tell.
const NOT_EXECUTED: i32 = 1;

/// Of a process that stays until its child is executed.
#[derive(Clone, Copy)]
pub(crate) struct Staying<'a> {
    /// Where the kernel stores the child's id, and the caller waits for it.
    pub(crate) pid: &'a AtomicU32,
    /// The child's status word, if it ended before it executed.
    pub(crate) ended: &'a AtomicI32,
}

/// What it is given.
pub(crate) struct MiddlePlan<'a> {
    /// Whether it is fork's, and its child has memory of its own.
    pub(crate) forks: bool,
    /// Its own, where it reports.
    pub(crate) words: &'a Words,
    /// Whether what it makes is to be in another session.
    pub(crate) leaves_session: bool,
    pub(crate) join: Join<'a>,
    /// What it stays for, if its child is its own and not the caller's.
    pub(crate) stays: Option<Staying<'a>>,
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
    plan: &MiddlePlan<'_>,
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
/// `plan` leads to a `MiddlePlan` that outlives the stay of both processes in this memory.
unsafe extern "C" fn enter(plan: *mut c_void) -> ! {
    // SAFETY: `clone_through`, the only one who names this function, passes such a plan.
    run(unsafe { &*plan.cast::<MiddlePlan<'_>>() })
}

/// Goes on as the middle process, in the copy of memory that fork made.
///
/// # Safety
/// As of [`entry::clone_apart`].
pub(crate) unsafe fn go_through_fork(plan: &MiddlePlan<'_>) -> ! {
    run(plan)
}

/// As `entry`'s.
extern "C" fn run(plan: &MiddlePlan<'_>) -> ! {
    let mut list = child::RobustList::new();
    if plan.child.copied {
        // SAFETY: as in `entry`.
        let _ = unsafe { child::set_robust_list(&mut list, &plan.words.child_tid) };
    }
    let gone = go_through(plan).and_then(|()| stay(plan));
    let Err(report) = gone else { child::exit_group(DONE) };
    plan.words.report(report);
    if let Some(staying) = plan.stays {
        let _ = futex::wake(staying.pid, 1);
    }
    child::exit_group(NOT_EXECUTED)
}

fn go_through(plan: &MiddlePlan<'_>) -> Result<(), Report> {
    if child::getppid() == Ok(0) {
        // Of another pid namespace than the caller: with its first process everything in it would end, and
        // ids in it are not the caller's.
        return Err(Report::new(Step::Clone, Errno::INVAL));
    }
    if plan.forks {
        // Until the caller has a descriptor of this process: its number may be another one's later.
        wait_for_go::wait(plan.words, plan.child.starter);
    }
    limits::no_core(plan.child.limits)?;
    if plan.leaves_session {
        child::setsid().map_err(|errno| Report::new(Step::Session, errno))?;
    }
    join(plan.join, plan.child.early_label)?;
    let make = if plan.forks { entry::clone_apart } else { entry::clone };
    // SAFETY: the word of whoever made this process, for the child.
    let made = unsafe { make(plan.args, plan.child) };
    made.map(drop).map_err(|errno| Report::new(Step::Clone, errno))
}

/// A parent that ends before the child executes could not be asked whether it did.
fn stay(plan: &MiddlePlan<'_>) -> Result<(), Report> {
    let Some(staying) = plan.stays else { return Ok(()) };
    let _ = futex::wake(staying.pid, 1);
    let pid = staying.pid.load(Ordering::Acquire);
    // Beside a closure pid 1 is a program.
    let is_closure = plan.child.has_closure() && plan.child.init.is_none();
    match executed::wait(pid, plan.child.words, is_closure) {
        Ok(None) => {
            plan.words.has_seen();
            Ok(())
        }
        Ok(Some(status)) => {
            staying.ended.store(status.as_raw(), Ordering::Release);
            child::exit_group(NOT_EXECUTED)
        }
        Err(errno) => Err(Report::new(Step::Wait, errno)),
    }
}
