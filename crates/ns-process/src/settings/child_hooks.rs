//! What the caller's code does in the child.
#![allow(unsafe_code, reason = "hooks with the contract of CommandExt::pre_exec")]

use std::fmt;
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex, TryLockError};

use ns_sys::Errno;

use super::Builder;
use super::hooks::{HookError, HookOutcome};
use crate::in_child::{HookPoint, Report};
use crate::step::Step;

/// One of them.
pub(crate) type ChildHook = dyn FnMut(&HookContext) -> Result<(), HookError> + Send;

/// The hooks, in the order in which they were given.
#[derive(Clone, Default)]
pub(crate) struct ChildHooks(Vec<(HookPoint, Arc<Mutex<ChildHook>>)>);

impl ChildHooks {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this process is the child that runs one.
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

/// What a hook in the child is told.
#[derive(Clone, Copy, Debug)]
pub struct HookContext {
    pid: u32,
    failed: Option<(Step, Errno)>,
}

impl HookContext {
    pub(crate) fn new(pid: u32, failed: Option<Report>) -> Self {
        Self { pid, failed: failed.map(|report| (report.step, report.errno)) }
    }

    /// The child's id in its own pid namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The step that failed; `None` where none has, or it is the closure itself.
    pub fn failed_step(&self) -> Option<Step> {
        self.failed.map(|(step, _)| step)
    }

    /// Why it failed.
    pub fn errno(&self) -> Option<Errno> {
        self.failed.map(|(_, errno)| errno)
    }
}

/// Hooks of the child's. Each runs once at most, in a copy of the caller's memory, which a start then
/// costs; several of a kind run in the order given.
///
/// The order: namespaces and maps · `preup` · mounts, root, working directory, descriptors, names ·
/// `exceptup` if that failed · `postup` · `preexec` · limits, ids, capabilities, filter · the target ·
/// `exceptexec` if it or what is before it failed · `postexec`. After a failed set-up nothing from
/// `preexec` on runs.
///
/// An error of `preup`, `postup` or `preexec` is the start's, as the step of that name, with the errno
/// of an [`io::Error`](std::io::Error) or an [`Errno`], or `ECANCELED` where it has none, or the hook
/// panicked. Those of the others are lost.
impl<Kind> Builder<Kind> {
    /// Runs `hook` in the child, in its new namespaces, before everything else is set up: the place to
    /// mount by hand.
    ///
    /// ```
    /// use ns_process::{Container, Errno, Namespace, Step};
    ///
    /// let mut container = Container::new("true");
    /// container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
    /// // SAFETY: it makes nothing but one system call.
    /// unsafe { container.preup(|_| ns_sys::child::sethostname(b"box")) };
    /// assert!(container.status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # Safety
    /// As of [`CommandExt::pre_exec`](std::os::unix::process::CommandExt::pre_exec): started from a
    /// program with threads, the hook makes only async-signal-safe calls, because what another thread
    /// was about to change stays as it was, and its locks stay held, those of std's stdout and stderr
    /// among them. The heap may be used all the same.
    pub unsafe fn preup<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PreUp, hook)
    }

    /// Runs `hook` in the child after a set-up that failed, with what failed.
    ///
    /// # Safety
    /// As of [`preup`](Self::preup).
    pub unsafe fn exceptup<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::ExceptUp, hook)
    }

    /// Runs `hook` in the child after the set-up, whether it failed or not.
    ///
    /// # Safety
    /// As of [`preup`](Self::preup).
    pub unsafe fn postup<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PostUp, hook)
    }

    /// Runs `hook` in the child when all is set up, and before limits, ids, capabilities and filter
    /// narrow it: the place for networking.
    ///
    /// # Safety
    /// As of [`preup`](Self::preup).
    pub unsafe fn preexec<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::PreExec, hook)
    }

    /// Runs `hook` in the child when the program could not be executed, or the closure panicked or
    /// returned an error.
    ///
    /// # Safety
    /// As of [`preup`](Self::preup). A program's descriptors are closed by then, those that the hook owns
    /// among them, unless [`close_fds`](Self::close_fds) says otherwise.
    pub unsafe fn exceptexec<Outcome: HookOutcome>(
        &mut self,
        hook: impl FnMut(&HookContext) -> Outcome + Send + 'static,
    ) -> &mut Self {
        self.hook(HookPoint::ExceptExec, hook)
    }

    /// Runs `hook` in the child when the closure has ended. For a program it is refused by the start:
    /// after exec nothing of the caller's is left in the child.
    ///
    /// # Safety
    /// As of [`preup`](Self::preup).
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
