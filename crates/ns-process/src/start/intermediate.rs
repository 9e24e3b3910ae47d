//! A start by way of a process between: the caller's side.
#![allow(unsafe_code, reason = "the call into the fence, and what clone3 stored")]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::{CloneArgs, CloneFlags};

use super::attempt::Failure;
use super::child::Child;
use super::dumpable;
use super::forked;
use super::hooks::HookRunner;
use super::release::signal;
use super::signals::Blocked;
use super::stack::Stack;
use super::unseen_child::{Known, Unseen};
use super::{Start, outcome, refused, too_slow};
use crate::error::Error;
use crate::in_child::{self, ABORT, IntermediatePlan};

/// The middle process shares the descriptors, so that the child's own lands among the caller's.
const MIDDLE: CloneFlags = CloneFlags::VM
    .union(CloneFlags::FILES)
    .union(CloneFlags::CHILD_CLEARTID)
    .union(CloneFlags::CLEAR_SIGHAND)
    .union(CloneFlags::UNTRACED);

/// Makes the child by way of a process that enters what is joined first, in this memory or with a copy.
pub(super) fn clone(start: Start<'_>) -> Result<Child<'_>, Failure> {
    let (plan, deadline) = (start.attempt.plan(), start.attempt.deadline());
    let args = start.arguments(CloneFlags::PARENT);
    let intermediate =
        start.clone_intermediate(start.keep_intermediate(start.intermediate(args)))?;
    // Killed if it is still there: once it has ended, no process makes a child.
    let (number, in_time) = (intermediate.pid(), intermediate.leaves(deadline));
    let child = start.made()?;
    if !in_time {
        return Err(too_slow(plan, child.map_or(number, |child| child.pid())).into());
    }
    child.ok_or_else(|| start.failed().into())
}

/// Makes the child by way of fork's copy. That one ends while the child goes on, and is given too, to be waited
/// for; `None` where it is gone already.
pub(super) fn fork<'a>(
    start: Start<'a>,
    runner: &HookRunner<'_>,
) -> Result<(Child<'a>, Option<Child<'a>>), Failure> {
    let args = forked::arguments(start.attempt, CloneFlags::PARENT);
    let made = Some(&start.attempt.shared().pid);
    let plan = IntermediatePlan { forks: true, made, ..start.intermediate(args) };
    Ok(start.made_by(start.fork_intermediate(runner, &plan)?)?)
}

/// Makes a child that is not the caller's, by way of a process that stays until it is executed; `go` lets
/// it go. What that process found out is how the child's start went.
pub(super) fn daemon<'a>(
    start: Start<'a>,
    runner: Option<&HookRunner<'_>>,
    go: impl FnOnce(&Child<'a>) -> Result<(), Failure>,
) -> Result<Child<'a>, Failure> {
    let (plan, deadline) = (start.attempt.plan(), start.attempt.deadline());
    let shared = start.attempt.shared();
    let args = match runner {
        Some(_) => forked::arguments(start.attempt, CloneFlags::empty()),
        None => start.arguments(CloneFlags::empty()),
    };
    let (made, stays) = (Some(&shared.pid), Some(&shared.program_ended));
    let intermediate =
        IntermediatePlan { forks: runner.is_some(), made, stays, ..start.intermediate(args) };
    let intermediate = match runner {
        Some(runner) => start.fork_intermediate(runner, &intermediate)?,
        None => Some(start.clone_intermediate(start.keep_intermediate(intermediate))?),
    };
    let (child, intermediate) = start.made_by(intermediate)?;
    // No other process knows how its start goes.
    let Some(intermediate) = intermediate else { return Err(start.failed().into()) };
    go(&child)?;
    if !intermediate.leaves(deadline) {
        return Err(too_slow(plan, child.pid()).into());
    }
    if shared.intermediate.has_entered() { Ok(child) } else { Err(start.failed().into()) }
}

impl<'a> Start<'a> {
    /// What a process between is given, if the child is the caller's.
    fn intermediate(self, args: &'a CloneArgs<'a>) -> IntermediatePlan<'a> {
        IntermediatePlan {
            forks: false,
            handshake: &self.attempt.shared().intermediate,
            dumpable: self.attempt.first_dumpable(),
            no_core: self.attempt.plan().limits.child(),
            leaves_session: self.attempt.plan().daemon.is_some(),
            join: self.attempt.join(),
            made: None,
            stays: None,
            args,
            child: self.steps,
        }
    }

    /// The child of a process between that tells of it, and that process.
    fn made_by(
        self,
        intermediate: Option<Child<'a>>,
    ) -> Result<(Child<'a>, Option<Child<'a>>), Error> {
        let (plan, deadline) = (self.attempt.plan(), self.attempt.deadline());
        let shared = self.attempt.shared();
        let is_reported = |pid| pid != 0 || shared.intermediate.reported().is_some();
        let in_time =
            |intermediate: &Child<'_>| intermediate.changes(&shared.pid, is_reported, deadline);
        let too_late =
            intermediate.as_ref().filter(|intermediate| !in_time(intermediate)).map(Child::pid);
        if shared.pid.load(Ordering::Acquire) == 0 {
            // Killed if it is still there: then nobody makes a child, and one that it made meanwhile is ended.
            drop(intermediate);
            self.forsake();
        } else if let Some(child) = self.made()? {
            return Ok((child, intermediate));
        }
        Err(too_late.map_or_else(|| self.failed(), |number| too_slow(plan, number)))
    }

    /// Ends a child that a process between may have made before it ended.
    pub(super) fn forsake(self) {
        let shared = self.attempt.shared();
        for handshake in [&shared.intermediate, &shared.child] {
            signal(handshake, ABORT);
        }
        drop(self.made());
    }

    /// Of the child's clone, in the middle's memory.
    fn arguments(self, parent: CloneFlags) -> &'a CloneArgs<'a> {
        let (plan, shared) = (self.attempt.plan(), self.attempt.shared());
        let mut args = CloneArgs::new(plan.flags | parent);
        args.pidfd(&shared.pidfd).parent_tid(&shared.pid).child_tid(&shared.child.child_tid);
        args.stack(self.attempt.prepared.stack.lowest(), Stack::SIZE);
        if let Some(cgroup) = &plan.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        // SAFETY: they lead to what is prepared, and to the attempt, which is kept.
        unsafe { self.attempt.resources.keep(args) }
    }

    fn keep_intermediate(self, plan: IntermediatePlan<'a>) -> &'a IntermediatePlan<'a> {
        // SAFETY: it leads to what is prepared, and to what is kept.
        unsafe { self.attempt.resources.keep(plan) }
    }

    fn clone_intermediate(
        self,
        intermediate: &'a IntermediatePlan<'a>,
    ) -> Result<Child<'a>, Failure> {
        let (attempt, plan) = (self.attempt, self.attempt.plan());
        let handshake = &attempt.shared().intermediate;
        let stack =
            attempt.intermediate_stack().expect("made for every attempt with such a process");
        let pidfd = AtomicI32::new(-1);
        let unwanted =
            if attempt.route.copies_memory() { CloneFlags::VM } else { CloneFlags::empty() };
        let mut args = CloneArgs::new(MIDDLE - unwanted);
        args.pidfd(&pidfd).child_tid(&handshake.child_tid).stack(stack.lowest(), Stack::SIZE);

        let locked = attempt.route.copies_memory().then(dumpable::lock);
        locked.as_ref().map_or(Ok(()), |locked| attempt.is_current(locked))?;
        self.expect_child(Known::ByDescriptor);
        let blocked = Blocked::all();
        // SAFETY: signals are held back; the ground keeps both stacks, words and plans until both processes
        // have left the memory.
        let cloned = unsafe { in_child::clone_through(&args, intermediate) };
        drop(blocked);
        drop(locked);
        let pid = cloned.map_err(|errno| refused(plan, errno))?;
        // SAFETY: clone3 has just stored it.
        Ok(unsafe { Child::cloned(pid, pidfd.into_inner(), handshake, attempt.resources) })
    }

    /// Before a process between is made: its child is to be ended also where it is made late.
    pub(super) fn expect_child(self, known: Known) {
        // SAFETY: the board belongs to the attempt, which the ground keeps.
        let unseen = unsafe { Unseen::new(self.attempt.shared(), known) };
        self.attempt.resources.expect_child(unseen);
    }

    /// Whether the child of fork's copy is the caller's.
    pub(super) fn is_own(self) -> bool {
        let plan = self.attempt.plan();
        !plan.is_reparented() && !plan.flags.contains(CloneFlags::PARENT)
    }

    /// The child, if there is one.
    pub(super) fn made(self) -> Result<Option<Child<'a>>, Error> {
        let (attempt, shared) = (self.attempt, self.attempt.shared());
        let (pid, pidfd) =
            (shared.pid.load(Ordering::Acquire), shared.pidfd.load(Ordering::Acquire));
        if pid != 0 {
            attempt.resources.child_is_seen();
        }
        if attempt.plan().forks() {
            let child = self.adopted(pid, &shared.child, self.is_own())?;
            return Ok(child.map(|child| child.of(attempt)));
        }
        // A clone that fails late, because the pid namespace ends, has stored the number of a descriptor
        // that it closed again; the id is stored only when it cannot fail any more.
        let cloned = (pid != 0).then(|| {
            // SAFETY: with an id there is a child, and its descriptor, which nobody owns.
            unsafe { Child::cloned(pid, pidfd, &shared.child, attempt.resources) }
        });
        Ok(cloned.map(|child| child.of(attempt)))
    }

    /// Why there is no child, or none that executed.
    pub(super) fn failed(self) -> Error {
        let (plan, shared) = (self.attempt.plan(), self.attempt.shared());
        match shared.intermediate.reported().or_else(|| shared.child.reported()) {
            Some(message) => outcome::failed(plan, message),
            None => shared.executed(plan).err().unwrap_or_else(|| outcome::ended_early(plan, None)),
        }
    }
}
