//! A start by way of a process between: the caller's side.
#![allow(unsafe_code, reason = "the call into the fence, and what clone3 stored")]

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Instant;

use ns_sys::{CloneArgs, CloneFlags};

use super::child::Child;
use super::signals::Blocked;
use super::stack::Stack;
use super::{prepare, refused, report, too_slow};
use crate::error::Error;
use crate::in_child::{self, ChildPlan, Join, MiddlePlan, Words};
use crate::plan::Plan;

/// The middle process shares the descriptors, so that the child's own lands among the caller's.
const MIDDLE: CloneFlags = CloneFlags::VM
    .union(CloneFlags::FILES)
    .union(CloneFlags::CHILD_CLEARTID)
    .union(CloneFlags::CLEAR_SIGHAND)
    .union(CloneFlags::UNTRACED);

/// Where the kernel tells of the child, whatever becomes of the middle process.
struct Made {
    pid: AtomicU32,
    pidfd: AtomicI32,
}

/// Makes the child by way of a process that enters `join` first.
pub(super) fn clone<'a>(
    plan: &Plan,
    join: Join<'_>,
    words: &'a Words,
    stack: &'a Stack,
    child_plan: &'a ChildPlan<'a>,
    deadline: Option<Instant>,
) -> Result<Child<'a>, Error> {
    let own_stack = Stack::new().map_err(prepare(plan, "a stack"))?;
    let (own_words, own_pidfd) = (Words::new(false), AtomicI32::new(-1));
    let made = Made { pid: AtomicU32::new(0), pidfd: AtomicI32::new(-1) };
    let mut args = CloneArgs::new(plan.flags | CloneFlags::PARENT);
    args.pidfd(&made.pidfd).parent_tid(&made.pid).child_tid(&words.child_tid);
    args.stack(stack.lowest(), Stack::SIZE);
    let middle_plan = MiddlePlan { words: &own_words, join, args: &args, child: child_plan };
    let mut own_args = CloneArgs::new(MIDDLE);
    own_args.pidfd(&own_pidfd).child_tid(&own_words.child_tid);
    own_args.stack(own_stack.lowest(), Stack::SIZE);

    let blocked = Blocked::all();
    // SAFETY: signals are held back; the middle is waited for below before its stack, words and plan
    // go, and `start` keeps the child's, as for a child of its own.
    let cloned = unsafe { in_child::clone_through(&own_args, &middle_plan) };
    drop(blocked);
    let pid = cloned.map_err(|errno| refused(plan, errno))?;
    // SAFETY: clone3 has just stored it.
    let middle = unsafe { Child::new(pid, own_pidfd.into_inner(), &own_words) };
    let in_time = middle.left_memory(deadline);
    // Killed if it is still there, and reaped: from here on nobody makes a child.
    drop(middle);
    // SAFETY: the kernel stored a descriptor there if it made a child, and nobody owns it.
    let child = (made.pidfd.load(Ordering::Acquire) >= 0)
        .then(|| unsafe { Child::new(made.pid.into_inner(), made.pidfd.into_inner(), words) });
    if !in_time {
        return Err(too_slow(plan, pid));
    }
    child.ok_or_else(|| match own_words.reported() {
        Some(said) => report::failed(plan, said),
        None => report::ended_early(plan, None),
    })
}
