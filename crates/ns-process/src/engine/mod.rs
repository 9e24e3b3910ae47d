//! How a start goes: the caller's side.
//!
//! No fork for a program: the child runs in the caller's memory, on a stack of its own, until it executes the
//! program. The caller waits for that on a word that the kernel clears, and the kernel says whether
//! the program was really executed.
#![allow(unsafe_code, reason = "the call into the fence")]

mod across_fork;
mod attempt;
mod board;
mod child;
mod child_steps;
mod dumpable;
mod exec_lock;
mod exec_name;
mod executed_apart;
mod folder;
mod forked;
mod go;
mod ground;
mod guest;
pub(crate) mod init;
mod kept_file;
mod maps;
mod middle;
mod own_flag;
mod own_memory;
mod pipes;
mod ready;
mod report;
mod signals;
mod stack;
mod starter;
#[cfg(test)]
mod tests;
mod text;
mod threads;
mod time;
mod unseen;

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
use crate::joined::Joined;
use crate::plan::Plan;
use crate::process::{self, Process};
use crate::step::Step;
use attempt::{Attempt, Failure, Way};
use child::Child;
use ground::Ground;
use guest::Visitor;
use ready::Ready;
use signals::Blocked;
use stack::Stack;

pub use own_flag::set_dumpable;
pub(crate) use threads::refuse_threads;

/// Starts what `plan` says. On an error nothing is left behind.
pub(crate) fn start(mut plan: Plan) -> Result<Process, Error> {
    process::sweep();
    let limit = plan.lifetime.start_timeout;
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    plan.streams.open_paths(&plan.name, deadline)?;
    let plan = Arc::new(plan);
    let request = plan.request();
    let target = request.target()?;
    let usual = plan.enters_the_usual().then(|| Joined::usual(request, target.clone()));
    if let Some(joined) = usual.transpose()?.flatten().map(Arc::new) {
        match start_in(&plan, &joined, deadline) {
            // Whoever looks at it can tell.
            Err(error) if Joined::is_unusual(&error) => {}
            started => return started.map_err(|error| joined.explained(request, error)),
        }
    }
    let joined = Arc::new(Joined::open(request, target)?);
    start_in(&plan, &joined, deadline).map_err(|error| joined.explained(request, error))
}

fn start_in(
    plan: &Arc<Plan>,
    joined: &Arc<Joined>,
    deadline: Option<Instant>,
) -> Result<Process, Error> {
    let prepared = || Ready::new(plan, joined, deadline).map(Ground::new);
    let mut ground = prepared()?;
    let must_copy = plan.must_copy(joined.kinds());
    let mut way = if must_copy { Way::Copied { for_maps: false } } else { Way::Shared };
    let executed = loop {
        match attempt(&ground, way) {
            Ok(executed) => break executed,
            Err(Failure::Retry(next, _)) if next != way && plan.can_be_copied() => {
                // The copy has a flag of its own. What a killed child may still use is left to it.
                if ground.has_stuck() {
                    ground = prepared()?;
                } else {
                    ground.release_hold();
                }
                way = next;
            }
            Err(Failure::Again(_)) if deadline.is_none_or(|end| Instant::now() < end) => {}
            Err(Failure::Error(error) | Failure::Retry(_, error) | Failure::Again(error)) => {
                return Err(error);
            }
        }
    };
    Ok(ground.into_ready().handle(executed))
}

fn attempt(ground: &Ground, way: Way) -> Result<(u32, OwnedFd), Failure> {
    let attempt = Attempt::new(ground, way)?;
    let visitor = attempt.visitor();
    let start = Start { attempt, steps: attempt.steps(visitor) };
    start.run(visitor).map_err(|failure| failure.map(|error| start.in_its_words(error)))
}

/// An attempt, and the steps of its child.
#[derive(Clone, Copy)]
struct Start<'a> {
    attempt: &'a Attempt<'a>,
    steps: &'a ChildPlan<'a>,
}

impl<'a> Start<'a> {
    /// Makes the child and sees it through, until it is the program.
    fn run(self, visitor: Option<&Visitor<'_>>) -> Result<(u32, OwnedFd), Failure> {
        let (plan, deadline) = (self.attempt.plan(), self.attempt.deadline());
        let child = self.make(visitor, |child| self.let_go(child))?;
        let has_left = child.left_memory(deadline).map_err(|errno| {
            let error = Error::new(&plan.name, Step::MemoryLock).with_errno(errno);
            error.with_object("the lock of the child")
        })?;
        if !has_left {
            return Err(too_slow(plan, child.pid()).into());
        }
        self.attempt.ground.release_hold();
        self.attempt.board().executed(plan)?;
        child.executed(plan, deadline)?;
        Ok(child.into_pidfd())
    }

    /// Makes the child, in the way that it needs, and lets it `go`.
    fn make(
        self,
        visitor: Option<&Visitor<'_>>,
        go: impl FnOnce(&Child<'a>) -> Result<(), Failure>,
    ) -> Result<Child<'a>, Failure> {
        let plan = self.attempt.plan();
        if plan.is_reparented() {
            return middle::daemon(self, visitor, go);
        }
        let (child, between) = match visitor {
            Some(visitor) if plan.is_forks_child() => (self.fork(visitor)?, None),
            Some(visitor) => middle::fork(self, visitor)?,
            None if self.attempt.has_middle() => (middle::clone(self)?, None),
            None => (self.clone()?, None),
        };
        go(&child)?;
        let in_time = between.is_none_or(|between| between.leaves(self.attempt.deadline()));
        if in_time { Ok(child) } else { Err(too_slow(plan, child.pid()).into()) }
    }

    fn let_go(self, child: &Child<'_>) -> Result<(), Failure> {
        let plan = self.attempt.plan();
        let number = || self.own_number(child);
        self.attempt.ready.joined.move_to_cgroups(plan.request(), number)?;
        child.let_go(self.attempt)
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
        match self.attempt.board().said.read() {
            Some(said) if error.step().is_hook() => error.with_object(said),
            _ => error,
        }
    }

    /// Makes the child, in this memory.
    fn clone(self) -> Result<Child<'a>, Error> {
        let (attempt, plan) = (self.attempt, self.attempt.plan());
        let words = &attempt.board().child;
        let pidfd = AtomicI32::new(-1);
        let mut args = CloneArgs::new(plan.flags);
        args.pidfd(&pidfd).child_tid(&words.child_tid);
        args.stack(attempt.ready.stack.lowest(), Stack::SIZE);
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
        let child = unsafe { Child::cloned(pid, pidfd.into_inner(), words, attempt.ground) };
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
