//! The caller's side of a start.
//!
//! A program is started without fork: the child runs in the caller's memory, on its own stack,
//! until it executes the program. The caller waits for that on a word that the kernel clears, and
//! the kernel then reports whether the program was executed.
#![allow(
    unsafe_code,
    reason = "the entry into the child's steps, and the pidfd that clone3 stored"
)]

mod atfork;
mod attempt;
mod by_pid;
mod cached_file;
mod child;
mod child_dir;
mod child_resources;
mod child_steps;
mod dumpable;
mod exec_lock;
pub(crate) mod exec_name;
mod forked;
pub(crate) mod gate;
mod hold;
mod hooks;
mod init;
mod intermediate;
mod maps;
mod outcome;
mod output;
mod own_memory;
mod parent;
mod pipes;
pub(crate) mod program_file;
mod release;
pub(crate) mod resource_limit;
mod shared;
mod signals;
mod stack;
mod static_program;
#[cfg(test)]
mod tests;
mod threads;
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
use crate::settings::{Builder, stream_error};
use crate::step::Step;
use crate::target::OpenTarget;
use attempt::{Attempt, CopyMode, Failure};
use child::Child;
use child_resources::ChildResources;
use hooks::HookRunner;
use signals::Blocked;
use stack::Stack;

pub use dumpable::set_dumpable;
pub(crate) use pipes::Opened;
use threads::refuse_threads;

/// # Start
///
/// Checks the settings, and starts the process.
impl<Kind> Builder<Kind> {
    /// Starts the program. On `Ok`, the program has been executed, or the closure has begun.
    ///
    /// The caller's memory is not copied, except for a closure or a program with hooks in the
    /// child. No signal handler of the caller runs in the child. The program begins with no signal
    /// blocked or ignored, with the caller's working directory, umask, limits and standard streams,
    /// and no other descriptor. New mount namespaces are private: no mount propagates between them
    /// and the caller's.
    ///
    /// # Errors
    /// The first step that failed, with its errno and object; then nothing is left behind. Often:
    /// - [`Step::Check`](crate::Step::Check): an invalid setting, with the name of its setter;
    ///   no errno.
    /// - [`Step::MultiThreaded`](crate::Step::MultiThreaded): a closure, and the caller has other
    ///   threads.
    /// - [`Step::Clone`](crate::Step::Clone), `EPERM`: new namespaces need `CAP_SYS_ADMIN` or a new
    ///   user namespace; `ENOSPC`: a limit of namespaces(7), which the hint names; `EINVAL`,
    ///   `ENOMEM`: the caller has unshared its pid namespace; then no start by way of an
    ///   intermediate process succeeds, and no start at all once the first process of that namespace
    ///   has terminated.
    /// - [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap): a map that
    ///   the kernel does not allow this caller to write.
    /// - [`Step::Exec`](crate::Step::Exec), `ENOENT`, `EACCES`: the program, looked up inside its
    ///   root; without an errno, the child was killed before it executed the program. As in
    ///   execvp(3), the search in `PATH` continues after a file that may not be executed and a
    ///   directory that may not be searched, and if no other directory has the program, the errno is
    ///   `EACCES`. Unlike there, a script without `#!` is not run by a shell: `ENOEXEC`.
    ///
    /// # Kernel support
    /// Linux 5.5, judged by the system calls that it makes; tested on Linux 6.18.
    ///
    /// # References
    /// clone(2), execve(2), user_namespaces(7); kernel/fork.c, fs/exec.c.
    pub fn start(&self) -> Result<Process, Error> {
        begin(self.shared_plan()?)
    }
}

/// Starts what `plan` describes, unless it is a closure and the caller has several threads.
pub(crate) fn begin(plan: Arc<Plan>) -> Result<Process, Error> {
    if plan.gate.is_some() {
        let message = "park_at: only start_parked waits for a release";
        return Err(Error::new(&plan.name, Step::Check).with_object(message));
    }
    if plan.work.closure().is_some() {
        refuse_threads(&plan)?;
    }
    start(plan)
}

/// Starts the child that `plan` describes. On an error, nothing is left behind.
fn start(mut plan: Arc<Plan>) -> Result<Process, Error> {
    process::sweep();
    let limit = plan.lifetime.start_timeout;
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    if plan.streams.descriptors.opens_paths() {
        let opened = Plan::sole(&mut plan).streams.descriptors.open_paths(deadline);
        opened.map_err(|error| stream_error(&plan.name, &error))?;
    }
    let spec = plan.spec();
    let target = spec.target()?;
    let optimistic =
        plan.joins_optimistically().then(|| OpenTarget::open_optimistically(spec, target.clone()));
    if let Some(joined) = optimistic.transpose()?.flatten().map(Arc::new) {
        match start_in(&plan, &joined, deadline) {
            // The target needs an inspection, which follows below.
            Err(error) if OpenTarget::needs_inspection(&error) => {}
            started => return started.map_err(|error| joined.explained(spec, error)),
        }
    }
    let joined = Arc::new(OpenTarget::open(spec, target)?);
    plan.refuse_own_namespaces(joined.kinds())?;
    start_in(&plan, &joined, deadline).map_err(|error| joined.explained(spec, error))
}

fn start_in(
    plan: &Arc<Plan>,
    joined: &Arc<OpenTarget>,
    deadline: Option<Instant>,
) -> Result<Process, Error> {
    let mut copy = CopyMode::IfNeeded;
    loop {
        let resources = ChildResources::new(Attempt::new(plan, joined, copy, deadline)?);
        match attempt(&resources) {
            Ok(executed) => return Ok(resources.into_attempt().handle(executed)),
            // Copied memory has its own dumpable flag.
            Err(Failure::Retry(next, _)) if next != copy && plan.can_be_copied() => copy = next,
            Err(Failure::Again(_)) if deadline.is_none_or(|end| Instant::now() < end) => {}
            Err(Failure::Error(error) | Failure::Retry(_, error) | Failure::Again(error)) => {
                return Err(error);
            }
        }
    }
}

fn attempt(resources: &ChildResources) -> Result<(u32, OwnedFd), Failure> {
    resources.before_clone()?;
    let runner = resources.runner();
    Start { resources, steps: resources.steps(runner) }.run(runner)
}

/// An attempt, with the steps of its child.
#[derive(Clone, Copy)]
struct Start<'a> {
    resources: &'a ChildResources,
    steps: &'a ChildPlan<'a>,
}

impl<'a> Start<'a> {
    fn attempt(self) -> &'a Attempt {
        self.resources.attempt()
    }

    fn plan(self) -> &'a Plan {
        &self.attempt().plan
    }

    /// Makes the child, releases it, and waits until its execve(2) has succeeded or the start has failed.
    fn run(self, runner: Option<&HookRunner<'_>>) -> Result<(u32, OwnedFd), Failure> {
        let Attempt { plan, deadline, .. } = self.attempt();
        let child = self.make(runner)?;
        let has_left = child.wait_left_memory(*deadline).map_err(|errno| {
            let error = Error::new(&plan.name, Step::MemoryLock).with_errno(errno);
            error.with_object("the lock of the child")
        })?;
        if !has_left {
            return Err(too_slow(plan, child.pid()).into());
        }
        self.resources.release_hold();
        self.attempt().program_executed()?;
        child.executed(plan, *deadline)?;
        Ok(child.into_pidfd())
    }

    /// Makes the child by the route of the attempt, and releases it.
    fn make(self, runner: Option<&HookRunner<'_>>) -> Result<Child<'a>, Failure> {
        let plan = self.plan();
        let (child, intermediate) = match (runner, self.attempt().route.intermediate) {
            (_, Some(Intermediate::Stays)) => return intermediate::daemon(self, runner),
            (Some(runner), Some(Intermediate::Exits)) => intermediate::fork(self, runner)?,
            (Some(runner), None) => (self.fork(runner)?, None),
            (None, Some(Intermediate::Exits)) => (intermediate::clone(self)?, None),
            (None, None) => (self.clone()?, None),
        };
        self.release(&child)?;
        let in_time = intermediate.is_none_or(|process| process.wait_exit(self.attempt().deadline));
        if in_time { Ok(child) } else { Err(too_slow(plan, child.pid()).into()) }
    }

    /// Makes the child in the caller's memory.
    fn clone(self) -> Result<Child<'a>, Error> {
        let Attempt { plan, stack, .. } = self.attempt();
        let handshake = &self.attempt().shared().child;
        let pidfd = AtomicI32::new(-1);
        let mut args = CloneArgs::new(plan.clone_flags());
        args.pidfd(&pidfd).child_tid(&handshake.child_tid);
        args.stack(stack.lowest(), Stack::SIZE);
        if let Some(cgroup) = &plan.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        let blocked = Blocked::all();
        // SAFETY: `Blocked` blocks all signals. `resources` keeps the stack, the handshake, the
        // plan and its arrays until the child has left the memory, even if a dropped `Child` cannot
        // wait for that. `Program` ends the arrays with null.
        let cloned = unsafe { in_child::clone(&args, self.steps) };
        drop(blocked);
        let pid = cloned.map_err(|errno| refused(plan, errno))?;
        // SAFETY: clone3 has succeeded, so it has stored an open pidfd, which no other value owns.
        let child = unsafe { Child::cloned(pid, pidfd.into_inner(), handshake, self.resources) };
        Ok(child.with_attempt())
    }
}

/// Makes the error of a failed preparation.
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
        .with_hint(Some(hint::for_late_start(plan.cgroup.as_deref())))
}

fn refused(plan: &Plan, errno: Errno) -> Error {
    let kinds = plan.namespaces();
    let object = if kinds.is_empty() { "a process".to_owned() } else { kinds.to_string() };
    let hint = hint::for_clone(errno, kinds);
    Error::new(&plan.name, Step::Clone).with_errno(errno).with_object(object).with_hint(hint)
}
