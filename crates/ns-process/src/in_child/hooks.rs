//! Code of the caller's own, at its places among the steps. In shared memory there is none.

use core::convert::Infallible;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::program;

/// A place where such code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookPoint {
    /// Before the set-up: mounts, root, working directory, descriptors, names.
    PreUp,
    /// After a set-up that failed.
    ExceptUp,
    /// After the set-up, in any case.
    PostUp,
    /// Before what narrows the child, and the target.
    PreExec,
    /// After a target that failed, or what comes before it.
    ExceptExec,
    /// After the target, in any case.
    PostExec,
}

impl HookPoint {
    /// The setter of its hooks.
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
    /// Whether it panicked or returned an error.
    pub(crate) failed: bool,
}

/// Who runs that code, outside the fence: in memory of its own the child may do what the caller may.
pub(crate) trait ChildCode {
    /// Gives up what the caller held while it forked.
    fn settle(&self);

    /// Runs the hooks of a moment; `failed` is what they are told.
    fn hooks(&self, point: HookPoint, failed: Option<Report>) -> Result<(), Report>;

    /// Whether a closure is started, and no program.
    fn has_closure(&self) -> bool;

    /// Runs the closure.
    fn closure(&self) -> Ended;

    /// Ends the child as a closure's.
    fn leave(&self, code: i32) -> !;
}

/// Makes the set-up, with the hooks around it: with an init the first ones in pid 1, and the others, once both
/// have parted, in the other process.
pub(super) fn around_set_up(
    plan: &ChildPlan<'_>,
    set_up: impl FnOnce() -> Result<(), Report>,
) -> Result<(), Report> {
    let Some(child_code) = plan.child_code else { return set_up() };
    let before = if plan.is_under_init { Ok(()) } else { child_code.hooks(HookPoint::PreUp, None) };
    let made = before.and_then(|()| set_up());
    if plan.has_forked_program() {
        return made;
    }
    if made.is_err() {
        let _ = child_code.hooks(HookPoint::ExceptUp, made.err());
    }
    let after = child_code.hooks(HookPoint::PostUp, made.err());
    made.and(after)
}

/// Narrows the child and goes over to the target, with the hooks around both.
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
    plan.handshake.enter();
    let ended = child_code.closure();
    if ended.failed {
        let _ = child_code.hooks(HookPoint::ExceptExec, None);
    }
    let _ = child_code.hooks(HookPoint::PostExec, None);
    child_code.leave(ended.code)
}
