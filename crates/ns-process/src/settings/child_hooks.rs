//! Hooks in the child.
#![allow(unsafe_code, reason = "hooks with the contract of CommandExt::pre_exec")]

use std::fmt;
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex, TryLockError};

use ns_sys::Errno;

use super::Builder;
use super::hooks::{HookError, HookOutcome};
use crate::in_child::{HookPoint, Report};
use crate::step::Step;

/// A hook in the child.
pub(crate) type ChildHook = dyn FnMut(&HookContext) -> Result<(), HookError> + Send;

/// The hooks, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct ChildHooks(Vec<(HookPoint, Arc<Mutex<ChildHook>>)>);

impl ChildHooks {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this process is the child that runs one of the hooks.
    pub(crate) fn are_running(&self) -> bool {
        let is_locked =
            |hook: &Mutex<ChildHook>| matches!(hook.try_lock(), Err(TryLockError::WouldBlock));
        self.0.iter().any(|(_, hook)| is_locked(hook))
    }

    pub(crate) fn at(&self, point: HookPoint) -> impl Iterator<Item = &Mutex<ChildHook>> {
        self.0.iter().filter(move |(at, _)| *at == point).map(|(_, hook)| &**hook)
    }
}

impl fmt::Debug for ChildHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(point, _)| point)).finish()
    }
}

/// The state of the child in which a hook runs.
#[derive(Clone, Copy, Debug)]
pub struct HookContext {
    pid: u32,
    failed: Option<(Step, Errno)>,
}

impl HookContext {
    pub(crate) fn new(pid: u32, failed: Option<Report>) -> Self {
        Self { pid, failed: failed.map(|report| (report.step, report.errno)) }
    }

    /// The process ID of the child in its own pid namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The step that failed; `None` if no step has failed, or if the closure itself has.
    pub fn failed_step(&self) -> Option<Step> {
        self.failed.map(|(step, _)| step)
    }

    /// The errno of the failed step.
    pub fn errno(&self) -> Option<Errno> {
        self.failed.map(|(_, errno)| errno)
    }
}

/// # Hooks in the child
///
/// Functions of the caller that run in the child, before and after the program or closure.
///
/// Each hook runs at most once per start. Several hooks of one kind run in the order in which they
/// were added. A start with such a hook makes the child by fork(2), with a copy of the caller's
/// memory.
///
/// The order is:
/// 1. Namespaces and maps.
/// 2. `preup`.
/// 3. The set-up: mounts, root, working directory, names, descriptors.
/// 4. `exceptup`, if `preup` or the set-up failed.
/// 5. `postup`. If `preup` or the set-up failed, the child exits after it.
/// 6. `preexec`.
/// 7. Limits, IDs, capabilities, filter.
/// 8. The program or closure.
/// 9. `exceptexec`, if 6 or 7 failed, the program could not be executed, or the closure panicked or
///    returned an error.
/// 10. `postexec`, after a closure, or after such a failure.
///
/// An error or a panic of `preup`, `postup` or `preexec` fails the start with the step of that
/// name. The errno is that of an [`io::Error`](std::io::Error) or an [`Errno`], otherwise
/// `ECANCELED`. Errors of the other hooks are discarded.
impl<Kind> Builder<Kind> {
    /// Runs `hook` in the child, in its new namespaces, before the rest of the set-up.
    ///
    /// Use it to mount by hand.
    ///
    /// # Safety
    /// As for [`CommandExt::pre_exec`](std::os::unix::process::CommandExt::pre_exec): if the caller
    /// has several threads, the hook must make only async-signal-safe calls. Data that another
    /// thread was changing may be inconsistent, and a lock that another thread held stays locked,
    /// including those of std's stdout and stderr. The hook may nevertheless use the heap.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Errno, Namespace, Step};
    ///
    /// let mut container = Container::new("true");
    /// container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
    /// // SAFETY: the hook only makes a system call.
    /// unsafe { container.preup(|_| ns_sys::child::sethostname(b"box")) };
    /// assert!(container.status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub unsafe fn preup<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PreUp, hook)
    }

    /// Runs `hook` in the child after a failed set-up, with the failed step.
    ///
    /// # Safety
    /// As for [`preup`](Self::preup).
    pub unsafe fn exceptup<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::ExceptUp, hook)
    }

    /// Runs `hook` in the child after the set-up, even if it failed.
    ///
    /// # Safety
    /// As for [`preup`](Self::preup).
    pub unsafe fn postup<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PostUp, hook)
    }

    /// Runs `hook` in the child after the set-up, before limits, IDs, capabilities and filter
    /// restrict it.
    ///
    /// Use it to configure the network.
    ///
    /// # Safety
    /// As for [`preup`](Self::preup).
    pub unsafe fn preexec<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PreExec, hook)
    }

    /// Runs `hook` in the child if the program could not be executed, or if the closure failed.
    ///
    /// A closure fails if it panics or returns an error.
    ///
    /// # Safety
    /// As for [`preup`](Self::preup). The descriptors of a program are closed before the hook runs,
    /// including those that the hook owns, unless [`close_fds`](Self::close_fds) is `false`.
    pub unsafe fn exceptexec<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::ExceptExec, hook)
    }

    /// Runs `hook` in the child after the closure has returned; a start of a program refuses it.
    ///
    /// execve(2) leaves no code of the caller in the child.
    ///
    /// # Safety
    /// As for [`preup`](Self::preup).
    pub unsafe fn postexec<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PostExec, hook)
    }

    fn hook<Outcome: HookOutcome>(
        &mut self,
        point: HookPoint,
        mut hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        let hook = move |context: &HookContext| hook(context).into_result();
        self.child_hooks.0.push((point, Arc::new(Mutex::new(hook))));
        self
    }
}
