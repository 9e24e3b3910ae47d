//! Code of the caller's own, at its places among the steps. In shared memory there is none.

use core::convert::Infallible;

use super::child_plan::ChildPlan;
use super::program;
use super::words::Report;

/// A place where such code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
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

impl Moment {
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
pub(crate) trait Guest {
    /// Gives up what the caller held while it forked.
    fn settle(&self);

    /// Runs the hooks of a moment; `failed` is what they are told.
    fn hooks(&self, moment: Moment, failed: Option<Report>) -> Result<(), Report>;

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
    let Some(guest) = plan.guest else { return set_up() };
    let before = if plan.is_beside { Ok(()) } else { guest.hooks(Moment::PreUp, None) };
    let made = before.and_then(|()| set_up());
    if plan.has_parted() {
        return made;
    }
    if made.is_err() {
        let _ = guest.hooks(Moment::ExceptUp, made.err());
    }
    let after = guest.hooks(Moment::PostUp, made.err());
    made.and(after)
}

/// Narrows the child and goes over to the target, with the hooks around both.
pub(super) fn around_target(
    plan: &ChildPlan<'_>,
    narrow: impl FnOnce() -> Result<(), Report>,
) -> Result<Infallible, Report> {
    let Some(guest) = plan.guest.filter(|_| plan.init.is_none()) else {
        narrow()?;
        return Err(program::execute(plan));
    };
    let failed = match guest.hooks(Moment::PreExec, None).and_then(|()| narrow()) {
        Ok(()) if guest.has_closure() => run_closure(plan, guest),
        Ok(()) => program::execute(plan),
        Err(report) => report,
    };
    let _ = guest.hooks(Moment::ExceptExec, Some(failed));
    let _ = guest.hooks(Moment::PostExec, Some(failed));
    Err(failed)
}

fn run_closure(plan: &ChildPlan<'_>, guest: &dyn Guest) -> ! {
    plan.words.enter();
    let ended = guest.closure();
    if ended.failed {
        let _ = guest.hooks(Moment::ExceptExec, None);
    }
    let _ = guest.hooks(Moment::PostExec, None);
    guest.leave(ended.code)
}
