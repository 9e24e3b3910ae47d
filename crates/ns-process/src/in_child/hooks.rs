//! Runs the caller's hooks and closure between the steps. In shared memory there are none.

use core::convert::Infallible;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::program;

/// A point among the steps where hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookPoint {
    /// Before the setup: mounts, root, working directory, descriptors, names.
    PreUp,
    /// After a failed setup.
    ExceptUp,
    /// After the setup, successful or not.
    PostUp,
    /// Before privileges are dropped and the program or closure starts.
    PreExec,
    /// After the program or closure failed, or a step since [`PreExec`](Self::PreExec).
    ExceptExec,
    /// After the closure, or after a program could not be executed.
    PostExec,
}

impl HookPoint {
    /// The name of the setter that registers its hooks.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PreUp => "preup",
            Self::ExceptUp => "exceptup",
            Self::PostUp => "postup",
            Self::PreExec => "preexec",
            Self::ExceptExec => "exceptexec",
            Self::PostExec => "postexec",
        }
    }
}

/// How a closure ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    /// Whether the closure panicked or returned an error.
    pub(crate) failed: bool,
}

/// Runs the caller's code in the child, outside the fence.
///
/// Only a child with its own copy of the memory has an implementation: it may do everything that the caller may.
pub(crate) trait ChildCode {
    /// Releases the locks that the caller held across the fork, sets the environment of a closure, and unblocks all
    /// signals.
    fn after_fork(&self);

    /// Runs the hooks of `point`. They receive the failed step, if any.
    fn hooks(&self, point: HookPoint, failed: Option<Report>) -> Result<(), Report>;

    /// Whether the child runs a closure instead of a program.
    fn has_closure(&self) -> bool;

    /// Runs the closure.
    fn closure(&self) -> Ended;

    /// Flushes the output streams and exits with `code`.
    fn exit(&self, code: i32) -> !;
}

/// Prepares the copy of the memory for the caller's code.
#[expect(clippy::unnecessary_wraps, reason = "a step")]
#[inline]
pub(super) fn after_fork(child_code: Option<&dyn ChildCode>) -> Result<(), Report> {
    if let Some(child_code) = child_code {
        child_code.after_fork();
    }
    Ok(())
}

/// Runs the setup with the hooks around it.
///
/// With an init, pid 1 runs the hooks before the setup. The process that it forks for the program runs the hooks
/// after the setup; pid 1 runs them only if it fails before the fork.
#[inline]
pub(super) fn around_setup(
    plan: &ChildPlan<'_>,
    setup: impl FnOnce() -> Result<(), Report>,
) -> Result<(), Report> {
    let Some(child_code) = plan.child_code else { return setup() };
    let before = if plan.is_under_init { Ok(()) } else { child_code.hooks(HookPoint::PreUp, None) };
    let made = before.and_then(|()| setup());
    if plan.has_forked_program() {
        return made;
    }
    if made.is_err() {
        let _ = child_code.hooks(HookPoint::ExceptUp, made.err());
    }
    let after = child_code.hooks(HookPoint::PostUp, made.err());
    made.and(after)
}

/// Drops privileges and starts the program or closure, with the hooks around both. Pid 1 of an init runs no hooks.
#[inline]
pub(super) fn around_target(
    plan: &ChildPlan<'_>,
    drop_privileges: impl FnOnce() -> Result<(), Report>,
) -> Result<Infallible, Report> {
    let Some(child_code) = plan.child_code.filter(|_| plan.init.is_none()) else {
        drop_privileges()?;
        return Err(program::execute(plan));
    };
    let failed = match child_code.hooks(HookPoint::PreExec, None).and_then(|()| drop_privileges()) {
        Ok(()) if child_code.has_closure() => run_closure(plan, child_code),
        Ok(()) => program::execute(plan),
        Err(report) => report,
    };
    let _ = child_code.hooks(HookPoint::ExceptExec, Some(failed));
    let _ = child_code.hooks(HookPoint::PostExec, Some(failed));
    Err(failed)
}

fn run_closure(plan: &ChildPlan<'_>, child_code: &dyn ChildCode) -> ! {
    plan.handshake.set_entered();
    let ended = child_code.closure();
    if ended.failed {
        let _ = child_code.hooks(HookPoint::ExceptExec, None);
    }
    let _ = child_code.hooks(HookPoint::PostExec, None);
    child_code.exit(ended.code)
}
