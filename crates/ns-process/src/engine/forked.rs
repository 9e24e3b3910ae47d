//! A start by way of fork, for what runs code of the caller's in the child.
//!
//! libc forks, so that its own locks are free in the copy, whatever other threads of the caller do;
//! the copy, alone in its process, makes the child with its namespaces, and ends. The child's own
//! memory is a copy as well, and what the kernel lets nobody do in shared memory can be done there.
#![allow(unsafe_code, reason = "fork, and the call into the fence")]

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use ns_sys::{CloneArgs, CloneFlags, Errno, Signal, WaitFlags, pidfd_open, waitid_pidfd};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitOptions, kill_process, waitpid};

use super::board::Board;
use super::child::Child;
use super::executed_apart::Stat;
use super::go::say;
use super::guest::Visitor;
use super::ready::Ready;
use super::signals::Blocked;
use super::starter::Starter;
use super::{Start, prepare, refused, too_slow};
use crate::error::Error;
use crate::in_child::{self, GO, MiddlePlan, Words, has_left};
use crate::plan::Plan;
use crate::process::{LONG_ENOUGH, is_readable_within};

/// Makes the child by way of a copy of this process.
pub(super) fn clone<'a>(
    start: Start<'a, '_>,
    starter: &Starter,
    visitor: &Visitor<'_>,
) -> Result<Child<'a>, Error> {
    let Ready { plan, deadline, .. } = *start.ready;
    let board = start.ready.board();
    let args = arguments(plan, board, starter);
    let middle = MiddlePlan {
        forks: true,
        words: &board.middle,
        leaves_session: plan.daemon.is_some(),
        join: start.ready.join(),
        stays: None,
        args: &args,
        child: start.steps,
    };
    let pid = copy(plan, visitor, &middle)?;
    let copy = adopted(pid, &board.middle).map_err(prepare(plan, "a descriptor of the copy"))?;
    let in_time = copy.is_none_or(|copy| {
        say(copy.words(), GO);
        // Then killed if it is still there, and reaped: from here on nobody makes a child.
        copy.left_memory(deadline)
    });
    let pid = board.pid.load(Ordering::Acquire);
    let child = adopted(pid, &board.child).map_err(prepare(plan, "a descriptor of the child"))?;
    if !in_time {
        return Err(too_slow(plan, pid));
    }
    let mut child = child.ok_or_else(|| start.failed())?;
    child.stat = plan.work.program().map(|_| Stat::of(plan, &child));
    Ok(child)
}

/// The word of libc's that holds the thread's id is the child's too, where libc has such a word.
fn arguments<'a>(plan: &'a Plan, board: &'a Board, starter: &'a Starter) -> CloneArgs<'a> {
    let own_way = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::NEWTIME;
    let set = CloneFlags::CHILD_SETTID | CloneFlags::CHILD_CLEARTID;
    let word = starter.word();
    let set = word.map_or(CloneFlags::empty(), |_| set);
    let mut args = CloneArgs::new(plan.flags.difference(own_way) | CloneFlags::PARENT | set);
    args.parent_tid(&board.pid);
    if let Some(word) = word {
        args.child_tid(word);
    }
    if let Some(cgroup) = &plan.cgroup {
        args.cgroup(cgroup.as_fd());
    }
    args
}

/// Forks; the copy goes on as the middle process.
fn copy(plan: &Plan, visitor: &Visitor<'_>, middle: &MiddlePlan<'_>) -> Result<u32, Error> {
    visitor.hold();
    let blocked = Blocked::all();
    // SAFETY: the copy makes the steps of the fence; code of the caller's runs in its child, as far as
    // the caller vouched for it or has no other threads.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: fork left this thread alone, with libc's locks free; the arrays end with null.
        unsafe { in_child::go_through_fork(middle) }
    }
    let failed = io::Error::last_os_error();
    drop(blocked);
    visitor.release();
    u32::try_from(pid)
        .map_err(|_| refused(plan, Errno::from_io_error(&failed).unwrap_or(Errno::AGAIN)))
}

/// Ends a process that waits for go, and of which there is no descriptor.
fn end_by_number(pid: u32) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    // Nobody has reaped it, so that its number is still its own.
    if kill_process(pid, Signal::KILL).is_ok() {
        let _ = retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
    }
}

/// Takes over a process that waits for go, by its number; `None` where there is none any more.
fn adopted(pid: u32, words: &Words) -> Result<Option<Child<'_>>, Errno> {
    if pid == 0 {
        return Ok(None);
    }
    let pidfd = match pidfd_open(pid) {
        // It was killed, and somebody else reaped it.
        Err(Errno::SRCH) => return Ok(None),
        pidfd => pidfd.inspect_err(|_| end_by_number(pid))?,
    };
    if !has_left(words.child_tid.load(Ordering::Acquire)) {
        return Ok(Some(Child::new(pid, pidfd, words)));
    }
    // It was killed while it waited, and if somebody reaped it the number may be another's already:
    // what is dead is reaped, and nothing else touched.
    if is_readable_within(&pidfd, LONG_ENOUGH) {
        let _ = waitid_pidfd(&pidfd, WaitFlags::ALL | WaitFlags::NOHANG);
    }
    Ok(None)
}
