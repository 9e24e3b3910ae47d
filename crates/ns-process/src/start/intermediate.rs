//! The caller's side of a start by way of an intermediate process.
#![allow(
    unsafe_code,
    reason = "the entry into the child's steps, and the pidfd that clone3 stored"
)]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::{CloneArgs, CloneFlags};

use super::attempt::{Attempt, Failure};
use super::child::Child;
use super::dumpable;
use super::forked;
use super::hooks::HookRunner;
use super::signals::Blocked;
use super::stack::Stack;
use super::unseen_child::{Stored, UnseenChild};
use super::{Start, outcome, refused, too_slow};
use crate::error::Error;
use crate::in_child::{self, IntermediatePlan};

/// The flags of the intermediate process. It shares the descriptor table, so that the pidfd of the
/// child is opened in the caller's table.
const INTERMEDIATE_FLAGS: CloneFlags = CloneFlags::VM
    .union(CloneFlags::FILES)
    .union(CloneFlags::CHILD_CLEARTID)
    .union(CloneFlags::CLEAR_SIGHAND)
    .union(CloneFlags::UNTRACED);

/// Makes the child by way of an intermediate process, which joins namespaces first, in the caller's
/// memory or in a copy.
pub(super) fn clone(start: Start<'_>) -> Result<Child<'_>, Failure> {
    let Attempt { plan, deadline, .. } = start.attempt();
    let args = start.arguments(CloneFlags::PARENT);
    let intermediate =
        start.clone_intermediate(start.keep_intermediate(start.intermediate(args)))?;
    // If the intermediate process still runs at the deadline, this kills it: once it has exited, no
    // process makes a child.
    let (pid, in_time) = (intermediate.pid(), intermediate.wait_exit(*deadline));
    let child = start.take_child()?;
    if !in_time {
        return Err(too_slow(plan, child.map_or(pid, |child| child.pid())).into());
    }
    child.ok_or_else(|| start.failed().into())
}

/// Makes the child by way of a forked intermediate process. That process exits while the child
/// continues, and is returned too, to be waited for; `None` if it has exited already.
pub(super) fn fork<'a>(
    start: Start<'a>,
    runner: &HookRunner<'_>,
) -> Result<(Child<'a>, Option<Child<'a>>), Failure> {
    let args = forked::arguments(start.resources, CloneFlags::PARENT);
    let made = Some(&start.attempt().shared().pid);
    let plan = IntermediatePlan { forks: true, made, ..start.intermediate(args) };
    Ok(start.child_of(start.fork_intermediate(runner, &plan)?)?)
}

/// Makes a child that is not the caller's, by way of an intermediate process that stays until the
/// child has executed. The intermediate process reports whether the
/// start succeeded.
pub(super) fn daemon<'a>(
    start: Start<'a>,
    runner: Option<&HookRunner<'_>>,
) -> Result<Child<'a>, Failure> {
    let Attempt { plan, deadline, .. } = start.attempt();
    let shared = start.attempt().shared();
    let args = match runner {
        Some(_) => forked::arguments(start.resources, CloneFlags::empty()),
        None => start.arguments(CloneFlags::empty()),
    };
    let (made, stays) = (Some(&shared.pid), Some(&shared.program_ended));
    let intermediate =
        IntermediatePlan { forks: runner.is_some(), made, stays, ..start.intermediate(args) };
    let intermediate = match runner {
        Some(runner) => start.fork_intermediate(runner, &intermediate)?,
        None => Some(start.clone_intermediate(start.keep_intermediate(intermediate))?),
    };
    let (child, intermediate) = start.child_of(intermediate)?;
    // Only the intermediate process could report the outcome of the start.
    let Some(intermediate) = intermediate else { return Err(start.failed().into()) };
    start.release(&child)?;
    if !intermediate.wait_exit(*deadline) {
        return Err(too_slow(plan, child.pid()).into());
    }
    if shared.intermediate.has_entered() { Ok(child) } else { Err(start.failed().into()) }
}

impl<'a> Start<'a> {
    /// The plan of an intermediate process whose child is the caller's.
    fn intermediate(self, args: &'a CloneArgs<'a>) -> IntermediatePlan<'a> {
        IntermediatePlan {
            forks: false,
            handshake: &self.attempt().shared().intermediate,
            oom_score_adj: self.attempt().oom_score_adj(),
            dumpable: self.attempt().first_dumpable(),
            no_core: self.plan().limits.child().no_core,
            leaves_session: self.plan().daemon.is_some(),
            join: self.attempt().joined.child(),
            made: None,
            stays: None,
            args,
            child: self.steps,
        }
    }

    /// Waits for the child that `intermediate` reports. Returns both.
    fn child_of(
        self,
        intermediate: Option<Child<'a>>,
    ) -> Result<(Child<'a>, Option<Child<'a>>), Error> {
        let Attempt { plan, deadline, .. } = self.attempt();
        let shared = self.attempt().shared();
        let is_reported = |pid| pid != 0 || shared.intermediate.reported().is_some();
        let in_time =
            |intermediate: &Child<'_>| intermediate.wait_word(&shared.pid, is_reported, *deadline);
        let too_late =
            intermediate.as_ref().filter(|intermediate| !in_time(intermediate)).map(Child::pid);
        if shared.pid.load(Ordering::Acquire) == 0 {
            // If the intermediate process still runs, this kills it: then no process makes a child,
            // and a child that it made meanwhile is aborted.
            drop(intermediate);
            self.abort_child();
        } else if let Some(child) = self.take_child()? {
            return Ok((child, intermediate));
        }
        Err(too_late.map_or_else(|| self.failed(), |pid| too_slow(plan, pid)))
    }

    /// Aborts a child that the intermediate process may have made before it exited.
    pub(super) fn abort_child(self) {
        let shared = self.attempt().shared();
        for handshake in [&shared.intermediate, &shared.child] {
            handshake.abort();
        }
        drop(self.take_child());
    }

    /// The arguments of the child's clone, in the memory of the intermediate process.
    fn arguments(self, parent: CloneFlags) -> &'a CloneArgs<'a> {
        let (plan, shared) = (self.plan(), self.attempt().shared());
        let mut args = CloneArgs::new(plan.clone_flags() | parent);
        args.pidfd(&shared.pidfd).parent_tid(&shared.pid).child_tid(&shared.child.child_tid);
        args.stack(self.attempt().stack.lowest(), Stack::SIZE);
        if let Some(cgroup) = &plan.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        // SAFETY: the arguments borrow the attempt.
        unsafe { self.resources.keep(args) }
    }

    fn keep_intermediate(self, plan: IntermediatePlan<'a>) -> &'a IntermediatePlan<'a> {
        // SAFETY: the plan borrows the attempt, and the steps and arguments, which were kept.
        unsafe { self.resources.keep(plan) }
    }

    fn clone_intermediate(
        self,
        intermediate: &'a IntermediatePlan<'a>,
    ) -> Result<Child<'a>, Failure> {
        let attempt = self.attempt();
        let handshake = &attempt.shared().intermediate;
        let stack = attempt.intermediate_stack.as_ref().expect("Attempt::new takes a stack for it");
        let pidfd = AtomicI32::new(-1);
        let removed =
            if attempt.route.copies_memory() { CloneFlags::VM } else { CloneFlags::empty() };
        let mut args = CloneArgs::new(INTERMEDIATE_FLAGS - removed);
        args.pidfd(&pidfd).child_tid(&handshake.child_tid).stack(stack.lowest(), Stack::SIZE);

        let locked = attempt.route.copies_memory().then(dumpable::lock);
        locked.as_ref().map_or(Ok(()), |locked| self.resources.check_dumpable(locked))?;
        self.expect_child(Stored::PidAndPidfd);
        let blocked = Blocked::all();
        // SAFETY: `Blocked` blocks all signals. `resources` keeps both stacks, the handshakes and
        // the plans until both processes have left the memory, even if a dropped `Child` cannot
        // wait for that. `Program` ends the arrays of the child's plan with null.
        let cloned = unsafe { in_child::clone_intermediate(&args, intermediate) };
        drop(blocked);
        drop(locked);
        let pid = cloned.map_err(|errno| refused(self.plan(), errno))?;
        // SAFETY: clone3 has succeeded, so it has stored an open pidfd, which no other value owns.
        Ok(unsafe { Child::cloned(pid, pidfd.into_inner(), handshake, self.resources) })
    }

    /// Registers the child that an intermediate process is about to make, so that it is killed even
    /// if it is made late.
    pub(super) fn expect_child(self, stored: Stored) {
        // SAFETY: the shared state belongs to the attempt, which `resources` keeps. Only `Retained`
        // calls `killed`, before it drops the kept values.
        let unseen = unsafe { UnseenChild::new(self.attempt().shared(), stored) };
        self.resources.expect_child(unseen);
    }

    /// Whether the child of a forked intermediate process is the caller's child.
    pub(super) fn is_own(self) -> bool {
        let plan = self.plan();
        !plan.is_reparented() && !plan.flags.contains(CloneFlags::PARENT)
    }

    /// The child that the intermediate process made; `None` if it made none.
    pub(super) fn take_child(self) -> Result<Option<Child<'a>>, Error> {
        let shared = self.attempt().shared();
        let (pid, pidfd) =
            (shared.pid.load(Ordering::Acquire), shared.pidfd.load(Ordering::Acquire));
        if pid != 0 {
            self.resources.child_found();
        }
        if self.plan().forks() {
            let child = self.open_child(pid, &shared.child, self.is_own())?;
            return Ok(child.map(Child::with_attempt));
        }
        // A clone3 that fails late, because the pid namespace terminates, has stored the number of
        // a descriptor that it closed again. The process ID is stored only when clone3 cannot fail
        // any more.
        let cloned = (pid != 0).then(|| {
            // SAFETY: the process ID is stored, so the clone succeeded and has stored an open
            // pidfd. No other value owns it: `take_child` is called once per child.
            unsafe { Child::cloned(pid, pidfd, &shared.child, self.resources) }
        });
        Ok(cloned.map(Child::with_attempt))
    }

    /// The error of a start that made no child, or whose child did not execute.
    pub(super) fn failed(self) -> Error {
        let (plan, shared) = (self.plan(), self.attempt().shared());
        match shared.intermediate.reported().or_else(|| shared.child.reported()) {
            Some(message) => outcome::failed(self.attempt(), message),
            None => self
                .attempt()
                .program_executed()
                .err()
                .unwrap_or_else(|| outcome::ended_early(plan, None)),
        }
    }
}
