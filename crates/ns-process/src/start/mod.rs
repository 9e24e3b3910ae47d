//! How a start goes: the caller's side.
//!
//! No fork for a program: the child runs in the caller's memory, on a stack of its own, until it executes the
//! program. The caller waits for that on a word that the kernel clears, and the kernel says whether
//! the program was really executed.
#![allow(unsafe_code, reason = "the call into the fence")]

mod atfork;
mod attempt;
mod builder;
mod child;
mod child_dir;
mod child_resources;
mod child_steps;
mod dumpable;
mod exec_lock;
mod exec_name;
mod exec_probe;
mod forked;
mod hooks;
mod init;
mod intermediate;
mod kept_file;
mod maps;
mod outcome;
mod own_memory;
mod parent;
mod pipes;
mod prepare;
mod release;
mod set_dumpable;
mod shared;
mod signals;
mod stack;
#[cfg(test)]
mod tests;
mod text;
mod threads;
mod time;
mod unchecked;
mod unseen_child;

use std::format;
use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;
use std::time::Instant;

use ns_sys::{CloneArgs, Errno};

use crate::error::Error;
use crate::hint;
use crate::in_child::{self, ChildPlan};
use crate::plan::{Intermediate, Plan};
use crate::process::{self, Process};
use crate::step::Step;
use crate::target::OpenTarget;
use attempt::{Attempt, Copy, Failure};
use child::Child;
use child_resources::ChildResources;
use hooks::HookRunner;
use prepare::PreparedStart;
use signals::Blocked;
use stack::Stack;

pub use set_dumpable::set_dumpable;
use threads::refuse_threads;

/// Starts what `plan` says. On an error nothing is left behind.
fn start(mut plan: Plan) -> Result<Process, Error> {
    process::sweep();
    let limit = plan.lifetime.start_timeout;
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    plan.streams.open_paths(&plan.name, deadline)?;
    let plan = Arc::new(plan);
    let spec = plan.spec();
    let target = spec.target()?;
    let overflow_ids =
        plan.joins_optimistically().then(|| OpenTarget::open_optimistically(spec, target.clone()));
    if let Some(joined) = overflow_ids.transpose()?.flatten().map(Arc::new) {
        match start_in(&plan, &joined, deadline) {
            // Whoever looks at it can tell.
            Err(error) if OpenTarget::needs_inspection(&error) => {}
            started => return started.map_err(|error| joined.explained(spec, error)),
        }
    }
    let joined = Arc::new(OpenTarget::open(spec, target)?);
    start_in(&plan, &joined, deadline).map_err(|error| joined.explained(spec, error))
}

fn start_in(
    plan: &Arc<Plan>,
    joined: &Arc<OpenTarget>,
    deadline: Option<Instant>,
) -> Result<Process, Error> {
    let prepared = || PreparedStart::new(plan, joined, deadline).map(ChildResources::new);
    let mut resources = prepared()?;
    let mut copy = Copy::IfNeeded;
    let executed = loop {
        match attempt(&resources, copy) {
            Ok(executed) => break executed,
            Err(Failure::Retry(next, _)) if next != copy && plan.can_be_copied() => {
                // The copy has a flag of its own. What a killed child may still use is left to it.
                if resources.has_stuck() {
                    resources = prepared()?;
                } else {
                    resources.release_hold();
                }
                copy = next;
            }
            Err(Failure::Again(_)) if deadline.is_none_or(|end| Instant::now() < end) => {}
            Err(Failure::Error(error) | Failure::Retry(_, error) | Failure::Again(error)) => {
                return Err(error);
            }
        }
    };
    Ok(resources.into_prepared().handle(executed))
}

fn attempt(resources: &ChildResources, copy: Copy) -> Result<(u32, OwnedFd), Failure> {
    let attempt = Attempt::new(resources, copy)?;
    let runner = attempt.runner();
    let start = Start { attempt, steps: attempt.steps(runner) };
    start.run(runner).map_err(|failure| failure.map(|error| start.in_its_words(error)))
}

/// An attempt, and the steps of its child.
#[derive(Clone, Copy)]
struct Start<'a> {
    attempt: &'a Attempt<'a>,
    steps: &'a ChildPlan<'a>,
}

impl<'a> Start<'a> {
    /// Makes the child and sees it through, until it is the program.
    fn run(self, runner: Option<&HookRunner<'_>>) -> Result<(u32, OwnedFd), Failure> {
        let (plan, deadline) = (self.attempt.plan(), self.attempt.deadline());
        let child = self.make(runner, |child| self.release(child))?;
        let has_left = child.left_memory(deadline).map_err(|errno| {
            let error = Error::new(&plan.name, Step::MemoryLock).with_errno(errno);
            error.with_object("the lock of the child")
        })?;
        if !has_left {
            return Err(too_slow(plan, child.pid()).into());
        }
        self.attempt.resources.release_hold();
        self.attempt.shared().executed(plan)?;
        child.executed(plan, deadline)?;
        Ok(child.into_pidfd())
    }

    /// Makes the child, in the way that it needs, and lets it `go`.
    fn make(
        self,
        runner: Option<&HookRunner<'_>>,
        go: impl FnOnce(&Child<'a>) -> Result<(), Failure>,
    ) -> Result<Child<'a>, Failure> {
        let plan = self.attempt.plan();
        let (child, intermediate) = match (runner, self.attempt.route.intermediate) {
            (_, Some(Intermediate::Stays)) => return intermediate::daemon(self, runner, go),
            (Some(runner), Some(Intermediate::Exits)) => intermediate::fork(self, runner)?,
            (Some(runner), None) => (self.fork(runner)?, None),
            (None, Some(Intermediate::Exits)) => (intermediate::clone(self)?, None),
            (None, None) => (self.clone()?, None),
        };
        go(&child)?;
        let in_time = intermediate.is_none_or(|process| process.leaves(self.attempt.deadline()));
        if in_time { Ok(child) } else { Err(too_slow(plan, child.pid()).into()) }
    }

    fn release(self, child: &Child<'_>) -> Result<(), Failure> {
        let plan = self.attempt.plan();
        let number = || self.own_number(child);
        self.attempt.prepared.joined.move_to_cgroups(plan.spec(), number)?;
        child.release(self.attempt)
    }

    /// What the child is called, unless the number may be a stranger's by now.
    fn own_number(self, child: &Child<'_>) -> Result<u32, Error> {
        let plan = self.attempt.plan();
        if child.may_be_gone() {
            return Err(child.ended(plan).unwrap_or_else(|| child.died(plan)));
        }
        Ok(child.pid())
    }

    /// A hook of the child's may have said what failed.
    fn in_its_words(self, error: Error) -> Error {
        match self.attempt.shared().message.read() {
            Some(message) if error.step().is_hook() => error.with_object(message),
            _ => error,
        }
    }

    /// Makes the child, in this memory.
    fn clone(self) -> Result<Child<'a>, Error> {
        let (attempt, plan) = (self.attempt, self.attempt.plan());
        let handshake = &attempt.shared().child;
        let pidfd = AtomicI32::new(-1);
        let mut args = CloneArgs::new(plan.flags);
        args.pidfd(&pidfd).child_tid(&handshake.child_tid);
        args.stack(attempt.prepared.stack.lowest(), Stack::SIZE);
        if let Some(cgroup) = &plan.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        let blocked = Blocked::all();
        // SAFETY: signals are held back; the ground keeps stack, words, plan and arrays until the child has
        // left, also where a `Child` that is dropped cannot wait for that; `Program` ends the arrays with null.
        let cloned = unsafe { in_child::clone(&args, self.steps) };
        drop(blocked);
        let pid = cloned.map_err(|errno| refused(plan, errno))?;
        // SAFETY: clone3 has just stored it.
        let child = unsafe { Child::cloned(pid, pidfd.into_inner(), handshake, attempt.resources) };
        Ok(child.of(attempt))
    }
}

/// The error of a preparation that failed.
fn prepare(plan: &Plan, object: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| {
        let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
        error.with_object(object).with_hint(hint::for_descriptors(errno))
    }
}

fn too_slow(plan: &Plan, pid: u32) -> Error {
    Error::new(&plan.name, Step::StartTimeout)
        .with_errno(Errno::TIMEDOUT)
        .with_object(format!("process {pid}"))
        .with_hint(Some("somebody stopped it before it executed, or its program is slow to load"))
}

fn refused(plan: &Plan, errno: Errno) -> Error {
    let kinds = plan.namespaces();
    let object = if kinds.is_empty() { "a process".to_owned() } else { kinds.to_string() };
    let hint = hint::for_clone(errno, kinds);
    Error::new(&plan.name, Step::Clone).with_errno(errno).with_object(object).with_hint(hint)
}
