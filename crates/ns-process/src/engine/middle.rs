//! A start by way of a process between: the caller's side.
#![allow(unsafe_code, reason = "the call into the fence, and what clone3 stored")]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use ns_sys::{CloneArgs, CloneFlags};

use super::board::Board;
use super::child::Child;
use super::signals::Blocked;
use super::stack::Stack;
use super::{prepare, refused, report, too_slow};
use crate::error::Error;
use crate::in_child::{self, ChildPlan, Join, MiddlePlan};
use crate::plan::Plan;

/// The middle process shares the descriptors, so that the child's own lands among the caller's.
const MIDDLE: CloneFlags = CloneFlags::VM
    .union(CloneFlags::FILES)
    .union(CloneFlags::CHILD_CLEARTID)
    .union(CloneFlags::CLEAR_SIGHAND)
    .union(CloneFlags::UNTRACED);

/// Makes the child by way of a process that enters `join` first; where memory is copied, that is the
/// process with the copy, and its child shares it.
pub(super) fn clone<'a>(
    plan: &Plan,
    join: Join<'_>,
    board: &'a Board,
    stack: &'a Stack,
    child_plan: &'a ChildPlan<'a>,
    deadline: Option<Instant>,
) -> Result<Child<'a>, Error> {
    let own_stack = Stack::take().map_err(prepare(plan, "a stack"))?;
    let own_pidfd = AtomicI32::new(-1);
    let mut args = CloneArgs::new(plan.flags | CloneFlags::PARENT);
    args.pidfd(&board.pidfd).parent_tid(&board.pid).child_tid(&board.child.child_tid);
    args.stack(stack.lowest(), Stack::SIZE);
    if let Some(cgroup) = &plan.cgroup {
        args.cgroup(cgroup.as_fd());
    }
    let middle_plan =
        MiddlePlan { forks: false, words: &board.middle, join, args: &args, child: child_plan };
    let unwanted = if child_plan.copied { CloneFlags::VM } else { CloneFlags::empty() };
    let mut own_args = CloneArgs::new(MIDDLE - unwanted);
    own_args.pidfd(&own_pidfd).child_tid(&board.middle.child_tid);
    own_args.stack(own_stack.lowest(), Stack::SIZE);

    let blocked = Blocked::all();
    // SAFETY: signals are held back; the middle is waited for below before its stack, words and plan
    // go, and `start` keeps the child's, as for a child of its own.
    let cloned = unsafe { in_child::clone_through(&own_args, &middle_plan) };
    drop(blocked);
    let pid = cloned.map_err(|errno| refused(plan, errno))?;
    // SAFETY: clone3 has just stored it.
    let middle = unsafe { Child::cloned(pid, own_pidfd.into_inner(), &board.middle) };
    let in_time = middle.left_memory(deadline);
    // Killed if it is still there, and reaped: from here on nobody makes a child.
    drop(middle);
    own_stack.keep();
    let (pid, pidfd) = (board.pid.load(Ordering::Acquire), board.pidfd.load(Ordering::Acquire));
    // A clone that fails late, because the pid namespace ends, has stored the number of a descriptor that
    // it closed again; the id is stored only when it cannot fail any more.
    // SAFETY: with an id there is a child, and its descriptor, which nobody owns.
    let child = (pid != 0).then(|| unsafe { Child::cloned(pid, pidfd, &board.child) });
    if !in_time {
        return Err(too_slow(plan, pid));
    }
    child.ok_or_else(|| match board.middle.reported() {
        Some(said) => report::failed(plan, said),
        None => report::ended_early(plan, None),
    })
}
