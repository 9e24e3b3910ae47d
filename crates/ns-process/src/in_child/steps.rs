//! The steps of a child, each as a function of its plan. `order` has their order.
#![expect(clippy::unnecessary_wraps, reason = "all steps have one signature, for the list")]

use ns_sys::child;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::{
    descriptors, dispositions, dumpable, exec_lock, exec_name, from_target, ids, init, join,
    limits, names, namespaces, privileges, root, session, time, wait,
};
use crate::step::Step;

type Result = core::result::Result<(), Report>;

pub(super) fn after_fork(plan: &ChildPlan<'_>) -> Result {
    if let Some(child_code) = plan.child_code {
        child_code.after_fork();
    }
    Ok(())
}

pub(super) fn exec_lock(plan: &ChildPlan<'_>) -> Result {
    exec_lock::take(plan.exec_lock, plan.handshake)
}

pub(super) fn dumpable(plan: &ChildPlan<'_>) -> Result {
    dumpable::set(plan.dumpable);
    Ok(())
}

pub(super) fn dispositions(plan: &ChildPlan<'_>) -> Result {
    dispositions::reset(plan.dispositions);
    Ok(())
}

pub(super) fn no_core(plan: &ChildPlan<'_>) -> Result {
    limits::no_core(plan.limits)
}

pub(super) fn join(plan: &ChildPlan<'_>) -> Result {
    join::join(plan.join, plan.early_label, plan.handshake)
}

pub(super) fn namespaces(plan: &ChildPlan<'_>) -> Result {
    namespaces::make(plan)
}

pub(super) fn wait(plan: &ChildPlan<'_>) -> Result {
    if plan.waits_for_release {
        wait::wait(plan.handshake, plan.parent);
    }
    Ok(())
}

pub(super) fn dumpable_at_release(plan: &ChildPlan<'_>) -> Result {
    dumpable::set(plan.dumpable_at_release);
    Ok(())
}

pub(super) fn time_namespace(plan: &ChildPlan<'_>) -> Result {
    time::join(plan.time_namespace)
}

pub(super) fn become_zero(plan: &ChildPlan<'_>) -> Result {
    ids::become_zero(plan.ids)
}

pub(super) fn propagation(plan: &ChildPlan<'_>) -> Result {
    root::detach(plan.root)
}

pub(super) fn exec_label(plan: &ChildPlan<'_>) -> Result {
    privileges::exec_label(plan.privileges.label)
}

pub(super) fn target_root(plan: &ChildPlan<'_>) -> Result {
    from_target::from_target(plan.from_target)
}

pub(super) fn root(plan: &ChildPlan<'_>) -> Result {
    root::change(plan.root)
}

pub(super) fn names(plan: &ChildPlan<'_>) -> Result {
    names::set(plan.names)
}

pub(super) fn fork_program(plan: &ChildPlan<'_>) -> Result {
    init::fork_program(plan)
}

pub(super) fn session(plan: &ChildPlan<'_>) -> Result {
    session::begin(plan.session)
}

pub(super) fn place_fds(plan: &ChildPlan<'_>) -> Result {
    descriptors::place(plan.place_fds)
}

pub(super) fn limits(plan: &ChildPlan<'_>) -> Result {
    limits::set(plan.limits)
}

pub(super) fn keep_capabilities(plan: &ChildPlan<'_>) -> Result {
    privileges::keep_through_setresuid(plan.privileges)
}

pub(super) fn ids(plan: &ChildPlan<'_>) -> Result {
    ids::assume(plan.ids)
}

pub(super) fn no_new_privs(plan: &ChildPlan<'_>) -> Result {
    privileges::no_new_privs(plan.privileges)
}

pub(super) fn parent_death_signal(plan: &ChildPlan<'_>) -> Result {
    session::die_with_parent(plan)
}

pub(super) fn wait_for_program(plan: &ChildPlan<'_>) -> Result {
    init::wait_for_program(plan)
}

pub(super) fn close_rest(plan: &ChildPlan<'_>) -> Result {
    descriptors::close_rest(plan.close_rest)
}

pub(super) fn exec_name(plan: &ChildPlan<'_>) -> Result {
    exec_name::set(plan.exec_name)
}

pub(super) fn regain_capabilities(plan: &ChildPlan<'_>) -> Result {
    privileges::regain(plan.privileges)
}

pub(super) fn early_filter(plan: &ChildPlan<'_>) -> Result {
    privileges::filter_early(plan.privileges)
}

pub(super) fn capabilities(plan: &ChildPlan<'_>) -> Result {
    privileges::capabilities(plan.privileges)
}

pub(super) fn signal_mask(plan: &ChildPlan<'_>) -> Result {
    child::rt_sigprocmask(plan.mask).map_err(|errno| Report::new(Step::SignalMask, errno))?;
    Ok(())
}

pub(super) fn core_limit(plan: &ChildPlan<'_>) -> Result {
    limits::core(plan.limits)
}

pub(super) fn last_filter(plan: &ChildPlan<'_>) -> Result {
    privileges::filter_last(plan.privileges)
}
