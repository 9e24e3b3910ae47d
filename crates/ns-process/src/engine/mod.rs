//! How a start goes: the caller's side.
//!
//! No fork for a program: the child runs in the caller's memory, on a stack of its own, until it executes the
//! program. The caller waits for that on a word that the kernel clears, and the kernel says whether
//! the program was really executed.
#![allow(unsafe_code, reason = "the call into the fence")]

mod across_fork;
mod board;
mod child;
mod dumpable;
mod executed_apart;
mod folder;
mod forked;
mod go;
mod guest;
pub(crate) mod init;
mod maps;
mod middle;
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
mod untraced;

use std::format;
use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
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
use child::Child;
use executed_apart::Stat;
use guest::Visitor;
use ready::Ready;
use signals::Blocked;
use stack::Stack;
use untraced::Untraced;

pub(crate) use threads::refuse_threads;

/// Starts what `plan` says. On an error nothing is left behind.
pub(crate) fn start(plan: &Plan) -> Result<Process, Error> {
    process::sweep();
    let limit = plan.lifetime.start_timeout;
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let request = plan.request();
    let target = request.target()?;
    let usual = plan.enters_the_usual().then(|| Joined::usual(request, target.clone()));
    if let Some(joined) = usual.transpose()?.flatten() {
        match start_in(plan, &joined, deadline) {
            // Whoever looks at it can tell.
            Err(error) if Joined::is_unusual(&error) => {}
            started => return started.map_err(|error| joined.explained(request, error)),
        }
    }
    let joined = Joined::open(request, target)?;
    start_in(plan, &joined, deadline).map_err(|error| joined.explained(request, error))
}

fn start_in(plan: &Plan, joined: &Joined, deadline: Option<Instant>) -> Result<Process, Error> {
    let ready = Ready::new(plan, joined, deadline)?;
    let untraced = Untraced::before_clone(plan)?;
    let visitor = ready.visitor();
    let executed = ready.with_steps(visitor.as_ref(), |steps| {
        let start = Start { ready: &ready, steps };
        start.run(visitor.as_ref(), untraced).map_err(|error| start.in_its_words(error))
    })?;
    drop(visitor);
    Ok(ready.handle(executed))
}

/// A start that is ready, and the steps of its child.
#[derive(Clone, Copy)]
struct Start<'a, 'b> {
    ready: &'a Ready<'a>,
    steps: &'b ChildPlan<'b>,
}

impl<'a> Start<'a, '_> {
    /// Makes the child and sees it through, until it is the program.
    fn run(
        self,
        visitor: Option<&Visitor<'_>>,
        mut untraced: Untraced<'_>,
    ) -> Result<(u32, OwnedFd), Error> {
        let Ready { plan, deadline, .. } = *self.ready;
        let child = self.make(visitor, |child| self.let_go(child, &mut untraced))?;
        if !child.left_memory(deadline) {
            return Err(too_slow(plan, child.pid()));
        }
        drop(untraced);
        self.ready.board().executed(plan)?;
        child.executed(plan, deadline)?;
        Ok(child.into_pidfd())
    }

    /// Makes the child, in the way that it needs, and lets it `go`.
    fn make(
        self,
        visitor: Option<&Visitor<'_>>,
        go: impl FnOnce(&Child<'a>) -> Result<(), Error>,
    ) -> Result<Child<'a>, Error> {
        let plan = self.ready.plan;
        if plan.is_reparented() {
            return middle::daemon(self, visitor, go);
        }
        let (mut child, between) = match visitor {
            Some(visitor) if plan.is_forks_child() => (self.fork(visitor)?, None),
            Some(visitor) => middle::fork(self, visitor)?,
            None if self.ready.has_middle() => (middle::clone(self)?, None),
            None => (self.clone()?, None),
        };
        if plan.has_exit_signal() {
            child.stat = Some(Stat::of(plan, &child));
        }
        go(&child)?;
        let in_time = between.is_none_or(|between| between.leaves(self.ready.deadline));
        if in_time { Ok(child) } else { Err(too_slow(plan, child.pid())) }
    }

    fn let_go(self, child: &Child<'_>, untraced: &mut Untraced<'_>) -> Result<(), Error> {
        let Ready { plan, joined, deadline, .. } = *self.ready;
        joined.move_to_cgroups(plan.request(), child.pid())?;
        child.let_go(plan, untraced, deadline)
    }

    /// A hook of the child's may have said what failed.
    fn in_its_words(self, error: Error) -> Error {
        match self.ready.board().said.read() {
            Some(said) if error.step().is_hook() => error.with_object(said),
            _ => error,
        }
    }

    /// Makes the child, in this memory.
    fn clone(self) -> Result<Child<'a>, Error> {
        let Ready { plan, stack, .. } = self.ready;
        let words = &self.ready.board().child;
        let pidfd = AtomicI32::new(-1);
        let mut args = CloneArgs::new(plan.flags);
        args.pidfd(&pidfd).child_tid(&words.child_tid).stack(stack.lowest(), Stack::SIZE);
        if let Some(cgroup) = &plan.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        let blocked = Blocked::all();
        // SAFETY: signals are held back; `run` drops its `Child`, which waits until the child has left,
        // before stack, words, plan and arrays, and `Program` ends the arrays with null.
        let cloned = unsafe { in_child::clone(&args, self.steps) };
        drop(blocked);
        let pid = cloned.map_err(|errno| refused(plan, errno))?;
        // SAFETY: clone3 has just stored it.
        let child = unsafe { Child::cloned(pid, pidfd.into_inner(), words) };
        Ok(child.beside(self.ready.beside()))
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
