//! A start by fork, for code of the caller in the child.
//!
//! libc forks, so that its own locks are free in the child, whatever the other threads of the
//! caller do. The forked process is the child, or it is an intermediate process that makes the
//! child with its namespaces and exits. The child has its own copy of the memory, so it can also
//! make the steps that the kernel forbids in shared memory.
#![allow(unsafe_code, reason = "fork, and the entry into the child's steps")]

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::{has_ended, wait4};
use ns_sys::{CloneArgs, CloneFlags, Errno, Signal, WaitFlags, pidfd_open, waitid_pidfd};
use rustix::process::{Pid, kill_process};

use super::attempt::{Attempt, Failure};
use super::child::Child;
use super::hooks::HookRunner;
use super::release::signal;
use super::signals::Blocked;
use super::unseen_child::Stored;
use super::{Start, prepare, refused};
use crate::error::Error;
use crate::in_child::{self, ABORT, ChildPlan, GO, Handshake, IntermediatePlan, has_left};
use crate::process::{KILLED, LONG_ENOUGH, is_readable_within};

/// The sleep between two checks whether a process without a pidfd has exited.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The arguments of the clone that the forked process makes.
pub(super) fn arguments<'a>(attempt: &'a Attempt<'a>, parent: CloneFlags) -> &'a CloneArgs<'a> {
    let not_inherited = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::NEWTIME;
    let plan = attempt.plan();
    let mut args = attempt.prepared.args_of_copy(plan.flags.difference(not_inherited) | parent);
    args.parent_tid(&attempt.shared().pid);
    if let Some(cgroup) = &plan.cgroup {
        args.cgroup(cgroup.as_fd());
    }
    // SAFETY: the arguments borrow the prepared start, and the attempt, which `resources` keeps.
    unsafe { attempt.resources.keep(args) }
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
fn fork(attempt: &Attempt<'_>, runner: &HookRunner<'_>, role: Role<'_>) -> Result<u32, Failure> {
    let plan = attempt.plan();
    runner.lock_for_fork(|locked| attempt.check_dumpable(locked))?;
    let blocked = Blocked::all();
    // SAFETY: the forked process makes only the steps of `in_child`. Code of the caller runs there
    // only if the caller has no other threads, or vouched for the code in an unsafe call.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        match role {
            // SAFETY: after fork, this is the only thread, and libc's locks are free. `Program`
            // ends the arrays of the plan with null.
            Role::Child(plan) => unsafe { in_child::go_on(plan) },
            // SAFETY: as above.
            Role::Intermediate(plan) => unsafe { in_child::go_through_fork(plan) },
        }
    }
    let failed = io::Error::last_os_error();
    drop(blocked);
    runner.unlock_after_fork();
    u32::try_from(pid)
        .map_err(|_| refused(plan, Errno::from_io_error(&failed).unwrap_or(Errno::AGAIN)).into())
}

/// Aborts a process whose pidfd cannot be opened.
///
/// The process exits when it sees the abort signal. A child of the caller is also killed, unless
/// another waiter has reaped it: then the process ID may have been reused.
fn abort_by_pid(pid: u32, handshake: &Handshake, is_own: bool) {
    signal(handshake, ABORT);
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if !is_own || has_ended(pid).is_err() {
        return;
    }
    let _ = kill_process(raw, Signal::KILL);
    let deadline = Instant::now() + KILLED;
    // A process that its tracer keeps for longer stays a zombie, until the program waits for any
    // child, or until the program has exited and process 1 reaps it.
    while wait4(pid, WaitFlags::ALL | WaitFlags::NOHANG) == Ok(None) && Instant::now() < deadline {
        thread::sleep(POLL_INTERVAL);
    }
}

impl<'a> Start<'a> {
    /// Forks the child directly.
    pub(super) fn fork(self, runner: &HookRunner<'_>) -> Result<Child<'a>, Failure> {
        let pid = fork(self.attempt, runner, Role::Child(self.steps))?;
        let child = self.open_child(pid, &self.attempt.shared().child, true)?;
        child.map(|child| child.with_attempt(self.attempt)).ok_or_else(|| self.failed().into())
    }

    /// Forks the intermediate process, releases it at once, and lets it exit. Returns `None` if it
    /// was killed meanwhile.
    pub(super) fn fork_intermediate(
        self,
        runner: &HookRunner<'_>,
        intermediate: &IntermediatePlan<'_>,
    ) -> Result<Option<Child<'a>>, Failure> {
        self.expect_child(Stored::Pid { is_own: self.is_own() });
        let pid = fork(self.attempt, runner, Role::Intermediate(intermediate))?;
        let process = self.open_child(pid, &self.attempt.shared().intermediate, true);
        match &process {
            Ok(Some(process)) => signal(process.handshake(), GO),
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
            let error = prepare(self.attempt.plan(), "a descriptor of the child")(errno);
            let hidden =
                "pidfd_open(2) is missing: a seccomp filter or a tool such as valgrind hides it";
            let is_hidden = matches!(errno, Errno::NOSYS | Errno::PERM);
            if is_hidden { error.with_hint(Some(hidden)) } else { error }
        };
        let found = open_pidfd(pid, handshake, is_own).map_err(failed)?;
        let resources = self.attempt.resources;
        Ok(found.map(|pidfd| Child::new(pid, pidfd, handshake, resources).opened_by_pid()))
    }
}

/// Opens a pidfd of a process that waits to be released. Returns `None` if it no longer exists.
///
/// The process waits, or is dead. If it has not announced its exit after the pidfd was opened, the
/// process ID was its own until then, even if another thread reaps children or `SIGCHLD` is
/// ignored. If it was killed before it could announce its exit, and was a child of the caller,
/// waitid(2) reports that it is no child any more.
pub(super) fn open_pidfd(
    pid: u32,
    handshake: &Handshake,
    is_own: bool,
) -> Result<Option<OwnedFd>, Errno> {
    if pid == 0 {
        return Ok(None);
    }
    let pidfd = match pidfd_open(pid) {
        // The process was killed, and another waiter reaped it.
        Err(Errno::SRCH) => return Ok(None),
        pidfd => pidfd.inspect_err(|_| abort_by_pid(pid, handshake, is_own))?,
    };
    let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
    let is_reused = is_own && waitid_pidfd(&pidfd, flags) == Err(Errno::CHILD);
    if is_reused {
        return Ok(None);
    }
    if !has_left(handshake.child_tid.load(Ordering::Acquire)) {
        return Ok(Some(pidfd));
    }
    // The process was killed while it waited. If another waiter reaped it, the process ID may have
    // been reused: only a dead child is reaped here, and no other process is touched.
    if is_readable_within(&pidfd, LONG_ENOUGH) {
        let _ = waitid_pidfd(&pidfd, WaitFlags::ALL | WaitFlags::NOHANG);
    }
    Ok(None)
}
