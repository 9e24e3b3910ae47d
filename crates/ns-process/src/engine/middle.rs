//! A start by way of a process between: the caller's side.
#![allow(unsafe_code, reason = "the call into the fence, and what clone3 stored")]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::{CloneArgs, CloneFlags};

use super::child::Child;
use super::forked;
use super::go::say;
use super::guest::Visitor;
use super::ready::Ready;
use super::signals::Blocked;
use super::stack::Stack;
use super::{Start, prepare, refused, report, too_slow};
use crate::error::Error;
use crate::in_child::{self, ABORT, MiddlePlan};

/// The middle process shares the descriptors, so that the child's own lands among the caller's.
const MIDDLE: CloneFlags = CloneFlags::VM
    .union(CloneFlags::FILES)
    .union(CloneFlags::CHILD_CLEARTID)
    .union(CloneFlags::CLEAR_SIGHAND)
    .union(CloneFlags::UNTRACED);

/// Makes the child by way of a process that enters what is joined first, in this memory or with a copy.
pub(super) fn clone<'a>(start: Start<'a, '_>) -> Result<Child<'a>, Error> {
    let Ready { plan, deadline, .. } = *start.ready;
    start.clone_middle(&start.middle(&start.arguments(CloneFlags::PARENT)), |middle| {
        // Killed if it is still there, and reaped: from here on nobody makes a child.
        let (number, in_time) = (middle.pid(), middle.leaves(deadline));
        let child = start.made()?;
        if !in_time {
            return Err(too_slow(plan, child.map_or(number, |child| child.pid())));
        }
        child.ok_or_else(|| start.failed())
    })
}

/// Makes the child by way of fork's copy. That one ends while the child goes on, and is given too, to be waited
/// for; `None` where it is gone already.
pub(super) fn fork<'a>(
    start: Start<'a, '_>,
    visitor: &Visitor<'_>,
) -> Result<(Child<'a>, Option<Child<'a>>), Error> {
    let args = forked::arguments(start.ready, CloneFlags::PARENT);
    let made = Some(&start.ready.board().pid);
    let plan = MiddlePlan { forks: true, made, ..start.middle(&args) };
    start.made_by(start.fork_middle(visitor, &plan)?)
}

/// Makes a child that is not the caller's, by way of a process that stays until it is executed; `go` lets
/// it go. What that process found out is how the child's start went.
pub(super) fn daemon<'a>(
    start: Start<'a, '_>,
    visitor: Option<&Visitor<'_>>,
    go: impl FnOnce(&Child<'a>) -> Result<(), Error>,
) -> Result<Child<'a>, Error> {
    let Ready { plan, deadline, .. } = *start.ready;
    let board = start.ready.board();
    let args = match visitor {
        Some(_) => forked::arguments(start.ready, CloneFlags::empty()),
        None => start.arguments(CloneFlags::empty()),
    };
    let (made, stays) = (Some(&board.pid), Some(&board.program_ended));
    let middle = MiddlePlan { forks: visitor.is_some(), made, stays, ..start.middle(&args) };
    let then = |middle| {
        let (child, middle) = start.made_by(middle)?;
        // How its start goes, nobody would know.
        let Some(middle) = middle else { return Err(start.failed()) };
        go(&child)?;
        if !middle.leaves(deadline) {
            return Err(too_slow(plan, child.pid()));
        }
        if board.middle.has_entered() { Ok(child) } else { Err(start.failed()) }
    };
    match visitor {
        Some(visitor) => then(start.fork_middle(visitor, &middle)?),
        None => start.clone_middle(&middle, |middle| then(Some(middle))),
    }
}

impl<'a> Start<'a, '_> {
    /// What a process between is given, if the child is the caller's.
    fn middle<'m>(self, args: &'m CloneArgs<'m>) -> MiddlePlan<'m>
    where
        Self: 'm,
    {
        MiddlePlan {
            forks: false,
            words: &self.ready.board().middle,
            leaves_session: self.ready.plan.daemon.is_some(),
            join: self.ready.join(),
            made: None,
            stays: None,
            args,
            child: self.steps,
        }
    }

    /// The child of a process between that tells of it, and that process.
    fn made_by(self, middle: Option<Child<'a>>) -> Result<(Child<'a>, Option<Child<'a>>), Error> {
        let Ready { plan, deadline, .. } = *self.ready;
        let board = self.ready.board();
        let is_told = |pid| pid != 0 || board.middle.reported().is_some();
        let in_time = |middle: &Child<'_>| middle.changes(&board.pid, is_told, deadline);
        let too_late = middle.as_ref().filter(|middle| !in_time(middle)).map(Child::pid);
        if board.pid.load(Ordering::Acquire) == 0 {
            // Killed if it is still there: then nobody makes a child, and one that it made meanwhile is ended.
            drop(middle);
            self.forsake();
        } else if let Some(child) = self.made()? {
            return Ok((child, middle));
        }
        Err(too_late.map_or_else(|| self.failed(), |number| too_slow(plan, number)))
    }

    /// Ends a child that a process between may have made before it ended.
    pub(super) fn forsake(self) {
        let board = self.ready.board();
        for words in [&board.middle, &board.child] {
            say(words, ABORT);
        }
        drop(self.made());
    }

    /// Of the child's clone, in the middle's memory.
    fn arguments(self, parent: CloneFlags) -> CloneArgs<'a> {
        let Ready { plan, stack, .. } = self.ready;
        let board = self.ready.board();
        let mut args = CloneArgs::new(plan.flags | parent);
        args.pidfd(&board.pidfd).parent_tid(&board.pid).child_tid(&board.child.child_tid);
        args.stack(stack.lowest(), Stack::SIZE);
        if let Some(cgroup) = &plan.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        args
    }

    fn clone_middle<T>(
        self,
        middle: &MiddlePlan<'_>,
        then: impl FnOnce(Child<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Ready { plan, .. } = *self.ready;
        let words = &self.ready.board().middle;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let pidfd = AtomicI32::new(-1);
        let unwanted = if self.steps.copied { CloneFlags::VM } else { CloneFlags::empty() };
        let mut args = CloneArgs::new(MIDDLE - unwanted);
        args.pidfd(&pidfd).child_tid(&words.child_tid).stack(stack.lowest(), Stack::SIZE);

        let blocked = Blocked::all();
        // SAFETY: signals are held back; the middle is waited for by `then`, before its stack, words and
        // plan go, and `run` keeps the child's, as for a child of its own.
        let cloned = unsafe { in_child::clone_through(&args, middle) };
        drop(blocked);
        let pid = cloned.map_err(|errno| refused(plan, errno))?;
        // SAFETY: clone3 has just stored it.
        let outcome = then(unsafe { Child::cloned(pid, pidfd.into_inner(), words) });
        // `then` took the middle, which has left.
        stack.keep();
        outcome
    }

    /// The child, if there is one.
    pub(super) fn made(self) -> Result<Option<Child<'a>>, Error> {
        let board = self.ready.board();
        let (pid, pidfd) = (board.pid.load(Ordering::Acquire), board.pidfd.load(Ordering::Acquire));
        if self.ready.plan.forks() {
            let plan = self.ready.plan;
            let is_own = !plan.is_reparented() && !plan.flags.contains(CloneFlags::PARENT);
            let child = self.adopted(pid, &board.child, is_own)?;
            return Ok(child.map(|child| child.beside(self.ready.beside())));
        }
        // A clone that fails late, because the pid namespace ends, has stored the number of a descriptor
        // that it closed again; the id is stored only when it cannot fail any more.
        // SAFETY: with an id there is a child, and its descriptor, which nobody owns.
        let child = (pid != 0).then(|| unsafe { Child::cloned(pid, pidfd, &board.child) });
        Ok(child.map(|child| child.beside(self.ready.beside())))
    }

    /// Why there is no child, or none that executed.
    pub(super) fn failed(self) -> Error {
        let (plan, board) = (self.ready.plan, self.ready.board());
        match board.middle.reported().or_else(|| board.child.reported()) {
            Some(said) => report::failed(plan, said),
            None => board.executed(plan).err().unwrap_or_else(|| report::ended_early(plan, None)),
        }
    }
}
