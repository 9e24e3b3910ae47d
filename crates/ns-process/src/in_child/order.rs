//! The steps of a child, in order.
//!
//! The list below has the order of execution, so the reasons can be checked from top to bottom.

use core::convert::Infallible;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::{
    capabilities, cgroup, console, descriptors, dumpable, exec_lock, exec_name, from_target, hooks,
    ids, init, join, keyring, limits, names, namespaces, oom, privileges, root, scheduling,
    session, signals, sysctl, wait,
};

// The functions of the steps are `#[inline]`: in most starts most steps have nothing to do, and a call takes longer
// than the check in place.

/// The one list of steps, in order: the name of each step, the function that makes it, and the fields of the plan that
/// it uses. The macro `$visit` receives the list: here to run the steps, and in `Plan::describe` to list their system
/// calls.
macro_rules! child_steps {
    ($visit:ident) => {
        $visit! {
            begin {
                after_fork => hooks::after_fork(child_code),
                exec_lock => exec_lock::take(exec_lock, handshake),
                oom_score_adj => oom::set(oom_score_adj),
                dumpable => dumpable::set(dumpable),
                dispositions => signals::reset_dispositions(dispositions),
                no_core => limits::set_no_core(limits.no_core),
                cgroup_tasks => cgroup::enter(cgroup_tasks),
                join => join::join(join, early_label, handshake),
                namespaces => namespaces::make(makes, handshake),
                after_move => namespaces::make_after_move(makes_after_move),
                wait => wait::wait_for_release(waits.for_release, handshake, parent),
                dumpable_at_release => dumpable::set(dumpable_at_release),
                time_namespace => namespaces::join_time(time_namespace),
                cgroup_namespace => namespaces::make_again(makes_again, handshake),
                become_zero => ids::become_zero(ids),
                propagation => root::set_propagation(root),
            }
            setup {
                exec_label => privileges::set_exec_label(privileges.label),
                target_root => from_target::change_root(from_target),
                mounts => root::make_mounts(root),
                before_pivot => wait::wait_before_pivot(waits.before_pivot, handshake, parent),
                root => root::enter(root),
                console => console::open(console),
                names => names::set(names),
                sysctls => sysctl::set(sysctls),
                session_keyring => keyring::join(keyring),
                fork_program => init::fork_program(init, child_code),
                session => session::begin(session),
                place_fds => descriptors::place(place_fds),
            }
            drop_privileges {
                limits => limits::set(limits),
                scheduling => scheduling::set(scheduling),
                keep_capabilities => capabilities::keep_through_setresuid(privileges.capabilities),
                ids => ids::assume(ids),
                no_new_privs => privileges::set_no_new_privs(privileges),
                parent_death_signal => session::die_with_parent(session.die_with_parent, parent),
                wait_for_program => init::wait_for_program(init),
                close_rest => descriptors::close_rest(close_rest),
                exec_name => exec_name::set(exec_name),
                regain_capabilities => capabilities::regain(privileges.capabilities),
                early_filter => privileges::filter_early(privileges),
                capabilities => capabilities::set(privileges.capabilities),
                signal_mask => signals::set_mask(mask),
                core_limit => limits::set_core(limits.core),
                last_filter => privileges::filter_last(privileges),
            }
        }
    };
}
pub(crate) use child_steps;

/// Makes one function of each stage, which runs its steps until one fails.
macro_rules! run_in_order {
    ($($stage:ident {
        $($step:ident => $file:ident::$function:ident($($($field:ident).+),+),)+
    })+) => {
        $(
            fn $stage(plan: &ChildPlan<'_>) -> Result<(), Report> {
                $($file::$function($(plan.$($field).+),+)?;)+
                Ok(())
            }
        )+
    };
}
child_steps!(run_in_order);

/// Makes all steps in order. Returns the report of the first failed step.
///
/// In shared memory there is no [`ChildCode`](super::ChildCode), so no hook runs.
///
/// The reasons for the order, from the first step to the last:
/// - The record lock (shared memory) or the dumpable flag (a copy of the memory) comes first: it must be in place
///   before the child joins namespaces whose owner may trace it. A flag that had to stay set for the ID maps is
///   cleared right after the release, when the maps are written.
/// - `oom_score_adj` precedes the dumpable flag: while the flag is clear, its file belongs to root. It also precedes new
///   user namespaces, which take the capability that a lower value needs.
/// - Signal dispositions and the core limit precede the wait for the release: the wait may be long, and neither
///   needs an ID map.
/// - The move to cgroups precedes everything that takes time or memory, which is counted there. It precedes the wait, so
///   that the hooks of the caller find the child in them.
/// - The join precedes the wait, because the target may exit during it. The join also precedes every step that acts
///   inside the joined namespaces.
/// - unshare(2) follows the join, so that new namespaces belong to the joined user namespace, as with clone3(2). It
///   precedes the wait, during which the caller writes ID maps and clock offsets. A new time namespace is joined after
///   the wait, because the offsets cannot change once a process is in it.
/// - The release precedes every step that depends on the ID maps. Without a map the child has the overflow IDs, and
///   execve(2) would clear its capabilities.
/// - A cgroup namespace that is made again after the hooks has the cgroup as its root to which they moved the child.
/// - The change to ID 0 precedes the first mount: a file system of the new user namespace refuses to create files for
///   an ID without a mapping (`EOVERFLOW`).
/// - Mount propagation changes before the first mount, including mounts of a hook: otherwise the mount would appear in
///   the caller's mount namespace.
/// - The exec label precedes the change of the root and the join of a mount namespace: its path leads through the
///   caller's `/proc`, and could name a different file afterwards.
/// - The change to the target's root precedes mounts and the working directory, whose paths start there.
/// - Mounts precede the change of the root, because their sources are reachable only before it. The working directory
///   follows it, because its path is inside.
/// - The hooks of the caller see all mounts and, at their paths, the files of the old root. A read-only root becomes so
///   after them, because they may have to create the targets of further mounts.
/// - The new terminal belongs to the devpts of the new root, and its path leads there only once that is the root. Its
///   mount and its owner need the capabilities of the setup.
/// - Host name, domain name, loopback and kernel parameters precede the change of IDs, which may clear the capabilities
///   that they need.
/// - The session keyring is made with the privileges of the setup. An init has the keyring of its program, not the
///   caller's.
/// - Pid 1 of an init forks the program's process after the setup that both share. The root is part of it: otherwise
///   the old root would be reachable through the other process. The fork precedes what each process sets for itself:
///   session, descriptors, limits.
/// - The controlling terminal precedes the placing of descriptors, which may replace the terminal's own descriptor.
///   Descriptors are placed after the mounts: a bind mount may name one of the caller's descriptors as its source.
/// - Hooks between setup and the drop of privileges have all privileges that the caller gave the child. A closure has
///   the remaining ones only.
/// - Limits, niceness and scheduling precede the change of IDs, which may clear the capabilities that they need. The
///   nice value precedes the policy, which sets it again. The umask follows
///   every step that creates files.
/// - Groups, gid, uid: the change of the uid clears the capabilities that the other two need.
/// - `no_new_privs` precedes a seccomp filter, which needs it or `CAP_SYS_ADMIN`.
/// - The parent-death signal follows the last change of IDs, which would clear it.
/// - Pid 1 waits for the program after its own slow steps, so that both processes run in parallel, but before its
///   filter, which may forbid the wait.
/// - The remaining descriptors are closed after the last step that uses one. Descriptors that are needed until exec,
///   such as that of the record lock, are left out.
/// - The process name is set after the last hook, which may change it, and before the filter, which may forbid it.
/// - Capabilities are dropped after every step that needs one. A filter without `no_new_privs` needs `CAP_SYS_ADMIN`:
///   it precedes the drop, and follows the step that raises the effective capabilities again, which the change of the
///   uid cleared.
/// - The signal mask is late: once signals are unblocked, one may kill the child, and the caller sees that the program
///   was not executed.
/// - The core limit of the program is late: until then a killed child must not dump the caller's memory. It precedes
///   the filter, which may forbid it.
/// - A filter with `no_new_privs` is last, because it may forbid every call but execve(2).
pub(super) fn run(plan: &ChildPlan<'_>) -> Report {
    match make_steps(plan) {
        Ok(never) => match never {},
        Err(report) => report,
    }
}

fn make_steps(plan: &ChildPlan<'_>) -> Result<Infallible, Report> {
    begin(plan)?;
    hooks::around_setup(plan, || setup(plan))?;
    hooks::around_target(plan, || drop_privileges(plan))
}
