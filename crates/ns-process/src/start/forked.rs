//! A start by fork, for code of the caller in the child.
//!
//! libc forks, so that its own locks are free in the child, whatever the other threads of the
//! caller do. The forked process is the child, or it is an intermediate process that makes the
//! child with its namespaces and exits. The child has its own copy of the memory, so it can also
//! make the steps that the kernel forbids in shared memory.
#![allow(unsafe_code, reason = "fork, and the entry into the child's steps")]

use std::io;
use std::os::fd::AsFd;

use ns_sys::{CloneArgs, CloneFlags, Errno};

use super::attempt::Failure;
use super::by_pid::open_pidfd;
use super::child::Child;
use super::child_resources::ChildResources;
use super::hooks::HookRunner;
use super::signals::Blocked;
use super::unseen_child::Stored;
use super::{Start, prepare, refused};
use crate::error::Error;
use crate::in_child::{self, ChildPlan, GO, Handshake, IntermediatePlan};

/// The arguments of the clone that the forked process makes.
pub(super) fn arguments(resources: &ChildResources, parent: CloneFlags) -> &CloneArgs<'_> {
    let not_inherited = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::NEWTIME;
    let attempt = resources.attempt();
    let plan = &attempt.plan;
    let mut args = attempt.args_of_copy(plan.clone_flags().difference(not_inherited) | parent);
    args.parent_tid(&attempt.shared().pid);
    if let Some(cgroup) = &plan.cgroup {
        args.cgroup(cgroup.as_fd());
    }
    // SAFETY: the arguments borrow the attempt.
    unsafe { resources.keep(args) }
}

/// The role of the forked process.
#[derive(Clone, Copy)]
enum Role<'a> {
    Child(&'a ChildPlan<'a>),
    Intermediate(&'a IntermediatePlan<'a>),
}

/// Forks, and runs the steps of `role` in the forked process.
///
/// Uses libc's fork, which leaves libc's locks free in the forked process. A direct clone3 would
/// return a pidfd, but would not do that.
fn fork(
    resources: &ChildResources,
    runner: &HookRunner<'_>,
    role: Role<'_>,
) -> Result<u32, Failure> {
    let plan = &resources.attempt().plan;
    runner.lock_for_fork(|locked| resources.check_dumpable(locked))?;
    let blocked = Blocked::all();
    // SAFETY: the forked process makes only the steps of `in_child`. Code of the caller runs there
    // only if the caller has no other threads, or vouched for the code in an unsafe call.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        match role {
            // SAFETY: after fork, this is the only thread, and libc's locks are free. `Program`
            // ends the arrays of the plan with null.
            Role::Child(plan) => unsafe { in_child::run_forked(plan) },
            // SAFETY: as above.
            Role::Intermediate(plan) => unsafe { in_child::run_forked_intermediate(plan) },
        }
    }
    let failed = io::Error::last_os_error();
    drop(blocked);
    runner.unlock_after_fork();
    u32::try_from(pid)
        .map_err(|_| refused(plan, Errno::from_io_error(&failed).unwrap_or(Errno::AGAIN)).into())
}

impl<'a> Start<'a> {
    /// Forks the child directly.
    pub(super) fn fork(self, runner: &HookRunner<'_>) -> Result<Child<'a>, Failure> {
        let pid = fork(self.resources, runner, Role::Child(self.steps))?;
        let child = self.open_child(pid, &self.attempt().shared().child, true)?;
        child.map(Child::with_attempt).ok_or_else(|| self.failed().into())
    }

    /// Forks the intermediate process, releases it at once, and lets it exit. Returns `None` if it
    /// was killed meanwhile.
    pub(super) fn fork_intermediate(
        self,
        runner: &HookRunner<'_>,
        intermediate: &IntermediatePlan<'_>,
    ) -> Result<Option<Child<'a>>, Failure> {
        self.expect_child(Stored::Pid { is_own: self.is_own() });
        let pid = fork(self.resources, runner, Role::Intermediate(intermediate))?;
        let process = self.open_child(pid, &self.attempt().shared().intermediate, true);
        match &process {
            Ok(Some(process)) => process.handshake().signal(GO),
            Ok(None) => {}
            // The intermediate process cannot be followed, but its child may exist.
            Err(_) => self.abort_child(),
        }
        Ok(process?)
    }

    /// Opens a process that waits to be released, by its process ID. Returns `None` if it no longer
    /// exists.
    pub(super) fn open_child(
        self,
        pid: u32,
        handshake: &'a Handshake,
        is_own: bool,
    ) -> Result<Option<Child<'a>>, Error> {
        let failed = |errno| {
            let error = prepare(self.plan(), "a descriptor of the child")(errno);
            let hidden =
                "pidfd_open(2) is missing: a seccomp filter or a tool such as valgrind hides it";
            let is_hidden = matches!(errno, Errno::NOSYS | Errno::PERM);
            if is_hidden { error.with_hint(Some(hidden)) } else { error }
        };
        let found = open_pidfd(pid, handshake, is_own).map_err(failed)?;
        let resources = self.resources;
        Ok(found.map(|pidfd| Child::new(pid, pidfd, handshake, resources).opened_by_pid()))
    }
}
