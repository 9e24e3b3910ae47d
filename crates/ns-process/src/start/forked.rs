//! A start by way of fork, for what runs code of the caller's in the child.
//!
//! libc forks, so that its own locks are free in the copy, whatever other threads of the caller do;
//! the copy, alone in its process, makes the child with its namespaces, and ends. The child's own
//! memory is a copy as well, and what the kernel lets nobody do in shared memory can be done there.
#![allow(unsafe_code, reason = "fork, and the call into the fence")]

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
use super::unseen_child::Known;
use super::{Start, prepare, refused};
use crate::error::Error;
use crate::in_child::{self, ABORT, ChildPlan, GO, Handshake, IntermediatePlan, has_left};
use crate::process::{KILLED, LONG_ENOUGH, is_readable_within};

/// Between two looks whether a process has ended of which there is no descriptor.
const NEXT_LOOK: Duration = Duration::from_millis(1);

/// The arguments of a clone that the copy makes.
pub(super) fn arguments<'a>(attempt: &'a Attempt<'a>, parent: CloneFlags) -> &'a CloneArgs<'a> {
    let own_way = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::NEWTIME;
    let plan = attempt.plan();
    let mut args = attempt.prepared.args_of_copy(plan.flags.difference(own_way) | parent);
    args.parent_tid(&attempt.shared().pid);
    if let Some(cgroup) = &plan.cgroup {
        args.cgroup(cgroup.as_fd());
    }
    // SAFETY: they lead to what is prepared, and to the attempt, which is kept.
    unsafe { attempt.resources.keep(args) }
}

/// What the copy goes on as.
#[derive(Clone, Copy)]
enum Role<'a> {
    Child(&'a ChildPlan<'a>),
    Middle(&'a IntermediatePlan<'a>),
}

/// Forks.
///
/// By libc, which leaves its locks free in the copy: a clone3 of our own would hand over a descriptor, but not
/// do that.
fn copy(attempt: &Attempt<'_>, runner: &HookRunner<'_>, role: Role<'_>) -> Result<u32, Failure> {
    let plan = attempt.plan();
    runner.hold(|locked| attempt.is_current(locked))?;
    let blocked = Blocked::all();
    // SAFETY: the copy makes the steps of the fence; code of the caller's runs in it, as far as the caller
    // vouched for it or has no other threads.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        match role {
            // SAFETY: fork left this thread alone, with libc's locks free; the arrays end with null.
            Role::Child(plan) => unsafe { in_child::go_on(plan) },
            // SAFETY: the same.
            Role::Middle(plan) => unsafe { in_child::go_through_fork(plan) },
        }
    }
    let failed = io::Error::last_os_error();
    drop(blocked);
    runner.release();
    u32::try_from(pid)
        .map_err(|_| refused(plan, Errno::from_io_error(&failed).unwrap_or(Errno::AGAIN)).into())
}

/// Ends a process of which no descriptor can be had.
///
/// It leaves when it comes to wait for go. A child of the caller's is killed before. If another waiter has reaped
/// it, nothing is killed: the number may be another process's.
fn end_by_number(pid: u32, handshake: &Handshake, is_own: bool) {
    signal(handshake, ABORT);
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if !is_own || has_ended(pid).is_err() {
        return;
    }
    let _ = kill_process(raw, Signal::KILL);
    let deadline = Instant::now() + KILLED;
    // What its tracer keeps for longer is left. A waiter of this program for any child may reap it, or process 1
    // after the program's end.
    while wait4(pid, WaitFlags::ALL | WaitFlags::NOHANG) == Ok(None) && Instant::now() < deadline {
        thread::sleep(NEXT_LOOK);
    }
}

impl<'a> Start<'a> {
    /// Makes the child, which is the copy itself.
    pub(super) fn fork(self, runner: &HookRunner<'_>) -> Result<Child<'a>, Failure> {
        let pid = copy(self.attempt, runner, Role::Child(self.steps))?;
        let child = self.adopted(pid, &self.attempt.shared().child, true)?;
        child.map(|child| child.of(self.attempt)).ok_or_else(|| self.failed().into())
    }

    /// Makes the process between, which is the copy and makes the child at once, and lets it end; `None`
    /// where it was killed meanwhile.
    pub(super) fn fork_intermediate(
        self,
        runner: &HookRunner<'_>,
        intermediate: &IntermediatePlan<'_>,
    ) -> Result<Option<Child<'a>>, Failure> {
        self.expect_child(Known::ByNumber { is_own: self.is_own() });
        let pid = copy(self.attempt, runner, Role::Middle(intermediate))?;
        let copy = self.adopted(pid, &self.attempt.shared().intermediate, true);
        match &copy {
            Ok(Some(copy)) => signal(copy.handshake(), GO),
            Ok(None) => {}
            // It is gone, but whom it made is not.
            Err(_) => self.forsake(),
        }
        Ok(copy?)
    }

    /// Takes over a process that waits for go, by its number; `None` where there is none any more.
    pub(super) fn adopted(
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
        let found = found(pid, handshake, is_own).map_err(failed)?;
        let resources = self.attempt.resources;
        Ok(found.map(|pidfd| Child::new(pid, pidfd, handshake, resources).found_by_number()))
    }
}

/// The descriptor of a process that waits for go; `None` where there is none any more.
///
/// It waits, or is dead: a word that is not marked after the descriptor was opened tells that the number was
/// its own until then, whoever else reaps children, and with `SIGCHLD` ignored. One that was killed before it
/// could announce its end is seen to be nobody's child, if it was the caller's own.
pub(super) fn found(
    pid: u32,
    handshake: &Handshake,
    is_own: bool,
) -> Result<Option<OwnedFd>, Errno> {
    if pid == 0 {
        return Ok(None);
    }
    let pidfd = match pidfd_open(pid) {
        // It was killed, and somebody else reaped it.
        Err(Errno::SRCH) => return Ok(None),
        pidfd => pidfd.inspect_err(|_| end_by_number(pid, handshake, is_own))?,
    };
    let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
    let is_stranger = is_own && waitid_pidfd(&pidfd, flags) == Err(Errno::CHILD);
    if is_stranger {
        return Ok(None);
    }
    if !has_left(handshake.child_tid.load(Ordering::Acquire)) {
        return Ok(Some(pidfd));
    }
    // It was killed while it waited, and if somebody reaped it the number may be another's already:
    // what is dead is reaped, and nothing else touched.
    if is_readable_within(&pidfd, LONG_ENOUGH) {
        let _ = waitid_pidfd(&pidfd, WaitFlags::ALL | WaitFlags::NOHANG);
    }
    Ok(None)
}
