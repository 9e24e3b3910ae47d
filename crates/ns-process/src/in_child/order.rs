//! The steps of a child, in order. Reading from top to bottom is the proof.

use core::convert::Infallible;

use ns_sys::child;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::{
    descriptors, dispositions, dumpable, exec_lock, exec_name, from_target, hooks, ids, init, join,
    limits, names, namespaces, privileges, root, session, time, wait,
};
use crate::step::Step;

/// Makes every step, and returns with the first that failed.
///
/// In shared memory there is no guest, and no hook runs.
///
/// Why in this order:
/// - The lock, or the flag of memory of its own, before all else: before the child enters where others may
///   trace it. The flag is cleared as soon as the maps are written.
/// - Dispositions and the core limit before the wait for go: it may be long, and they need no map.
/// - What is joined before the wait for go, because the target may end meanwhile; before everything
///   that is done inside.
/// - Go before everything that the maps decide: without a map every step is made as nobody, and an
///   exec would drop the capabilities for good.
/// - What the child makes itself after what it joins, as by its clone, and before the wait, in which maps and
///   clocks are set; a time namespace is entered after it.
/// - Zero before the first mount: a file system of the new user namespace refuses files of an id
///   that has no mapping (`EOVERFLOW`).
/// - The exec label before the root changes, or a mount namespace is entered: its file lies in the
///   caller's `/proc`, and another one may lie in its place.
/// - The target's root before what is changed from there.
/// - Propagation before the first mount, a hook's among them, which would show in the caller's
///   namespace otherwise; mounts before the root, while their sources can still be reached; the
///   working directory after it, because it lies inside.
/// - Names and the loopback before the ids, which may give up the capabilities that they need.
/// - Pid 1 parts from the program once all is done that both share: the root, so that the old one cannot
///   be reached through either; and before what is each one's own: session, descriptors, limits.
/// - The session before the descriptors, whose moves may end the terminal's own; these after the root:
///   what a bind names may be one of the caller's.
/// - What the set-up needed privilege for is done: hooks between it and what narrows the child have all
///   that the caller gave it, and a closure only what is left.
/// - Limits before the ids for the same reason; the file mode mask after all that makes files.
/// - Groups, gid, uid: each needs what the next gives up.
/// - `no_new_privs` before a filter, which may need it.
/// - The parent's death after the last change of ids, which clears the signal.
/// - Pid 1 waits for the program after all that takes time, and before its filter, which may forbid it.
/// - Closing the rest after the last descriptor of the plan's own was used.
/// - Capabilities after everything that needs one. A filter without `no_new_privs` does, so what a change of
///   the uid took out of force comes back before it.
/// - The mask late: from here on a signal ends the child, and the caller sees that it never executed.
/// - The name after all hooks, which may change it, and before the filter, which may forbid it.
/// - The core limit before the filter, which may forbid it; the filter last, because it may forbid
///   anything but execve.
pub(super) fn run(plan: &ChildPlan<'_>) -> Report {
    match make_steps(plan) {
        Ok(never) => match never {},
        Err(report) => report,
    }
}

fn make_steps(plan: &ChildPlan<'_>) -> Result<Infallible, Report> {
    begin(plan)?;
    hooks::around_set_up(plan, || set_up(plan))?;
    hooks::around_target(plan, || drop_privileges(plan))
}

fn begin(plan: &ChildPlan<'_>) -> Result<(), Report> {
    if let Some(child_code) = plan.child_code {
        child_code.settle();
    }
    exec_lock::take(plan.exec_lock, plan.handshake)?;
    dumpable::set(plan.dumpable);
    dispositions::reset(plan.dispositions);
    limits::no_core(plan.limits)?;
    join::join(plan.join, plan.early_label, plan.handshake)?;
    namespaces::make(plan)?;
    if plan.waits_for_release {
        wait::wait(plan.handshake, plan.parent);
    }
    dumpable::set(plan.dumpable_at_release);
    time::enter(plan.time_namespace)?;
    ids::become_zero(plan.ids)?;
    root::detach(plan.root)
}

fn set_up(plan: &ChildPlan<'_>) -> Result<(), Report> {
    privileges::exec_label(plan.privileges.label)?;
    from_target::from_target(plan.from_target)?;
    root::change(plan.root)?;
    names::set(plan.names)?;
    init::fork_program(plan)?;
    session::begin(plan.session)?;
    descriptors::place(plan.place_fds)
}

fn drop_privileges(plan: &ChildPlan<'_>) -> Result<(), Report> {
    limits::set(plan.limits)?;
    privileges::keep_through_setresuid(plan.privileges)?;
    ids::assume(plan.ids)?;
    privileges::no_new_privs(plan.privileges)?;
    session::die_with_parent(plan)?;
    init::wait_for_program(plan)?;
    descriptors::close_rest(plan.close_rest)?;
    exec_name::set(plan.exec_name)?;
    privileges::regain(plan.privileges)?;
    privileges::filter_early(plan.privileges)?;
    privileges::capabilities(plan.privileges)?;
    child::rt_sigprocmask(plan.mask).map_err(|errno| Report::new(Step::SignalMask, errno))?;
    limits::core(plan.limits)?;
    privileges::filter_last(plan.privileges)
}
