//! The steps of an attempt's child.
#![allow(unsafe_code, reason = "extends the lifetime of the child's arguments")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::prelude::rust_2024::*;

use ns_fs::OpenTrees;
use ns_fs::apply::{FdRange, FdStep};
use ns_sys::NamespaceFlags;
use ns_sys::child::SignalSet;

use super::attempt::Attempt;
use super::child_resources::ChildResources;
use super::exec_lock::ExecLock;
use super::exec_name::ExecName;
use super::hooks::HookRunner;
use super::init::InitProcess;
use super::parent::ParentThread;
use crate::in_child::{ChildCode, ChildPlan, Join, Limits, Paths, Privileges, Sysctls, Waits};
use crate::settings::Keyring;

impl ChildResources {
    /// Runs the caller's code in the child; `None` if there is none.
    pub(super) fn runner(&self) -> Option<&HookRunner<'_>> {
        let attempt = self.attempt();
        let parent_fd = attempt.parent.as_ref().and_then(ParentThread::raw_fd);
        let init_process = attempt.init_process.iter().flat_map(InitProcess::opened);
        let trees = attempt.trees.iter().flat_map(OpenTrees::descriptors);
        let private_fds = parent_fd.into_iter().chain(attempt.joined.opened());
        let sysctl_dir = attempt.sysctl_dir.iter().map(AsRawFd::as_raw_fd);
        let private_fds = private_fds.chain(init_process).chain(trees).chain(sysctl_dir);
        let runner = || {
            HookRunner::new(
                &attempt.plan,
                attempt.message(),
                &attempt.fds,
                private_fds,
                attempt.arrays.envp(),
            )
        };
        // SAFETY: the runner borrows the attempt.
        attempt.plan.forks().then(|| unsafe { self.keep(runner()) })
    }

    /// The steps of the child. If an init runs as pid 1, these are the steps of the init.
    pub(super) fn steps<'a>(&'a self, runner: Option<&'a HookRunner<'a>>) -> &'a ChildPlan<'a> {
        let all = self.all_steps(runner.map(|runner| runner as &dyn ChildCode));
        let attempt = self.attempt();
        let shared = attempt.shared();
        let Some(init_process) = &attempt.init_process else {
            // SAFETY: the plan borrows the attempt, and the runner and the arrays, which were kept.
            return unsafe { self.keep(all) };
        };
        let args = match runner {
            Some(_) => attempt.args_under_init(),
            None => init_process.args(&attempt.plan, shared),
        };
        // SAFETY: as above.
        let args = unsafe { self.keep(args) };
        let lock = attempt.lock.as_ref().map(ExecLock::program);
        // SAFETY: as above.
        let program = unsafe { self.keep(InitProcess::program(&all, shared, lock)) };
        let lock_fd = attempt.lock.as_ref().map(ExecLock::raw_fd);
        // SAFETY: as above.
        let ranges = unsafe { self.keep(init_process.ranges(lock_fd)) };
        // SAFETY: as above.
        unsafe {
            self.keep(init_process.pid_one(&attempt.plan, &all, program, args, shared, ranges))
        }
    }

    /// All steps, both of an init and of its program.
    fn all_steps<'a>(&'a self, child_code: Option<&'a dyn ChildCode>) -> ChildPlan<'a> {
        let attempt = self.attempt();
        let Attempt { plan, joined, fds, route, .. } = attempt;
        let limits = plan.limits.child();
        let copied = route.copies_memory();
        let has_intermediate = route.has_intermediate();
        let no_core = limits.no_core.filter(|_| !has_intermediate);
        let privileges = plan.privileges.child(joined.kinds(), joined.ceiling());
        let ids = joined.ids(plan.ids.child(), plan.ids.asks_for_groups);
        let console = attempt.console.as_ref();
        let enters_mounts = joined.kinds().contains(NamespaceFlags::MNT);
        ChildPlan {
            handshake: &attempt.shared().child,
            is_under_init: false,
            exec_lock: attempt.lock.as_ref().map(ExecLock::child),
            exec_name: attempt.name.as_ref().map(ExecName::as_c_str),
            oom_score_adj: attempt.oom_score_adj().filter(|_| !has_intermediate),
            cgroup_tasks: self.cgroup_tasks(),
            dumpable: attempt.first_dumpable().filter(|_| !has_intermediate),
            dumpable_at_release: (copied && attempt.own_dumpable.cleared_at_go).then_some(false),
            parent: attempt.parent.as_ref().map(|parent| parent.watch(copied)),
            copied,
            waits: Waits {
                for_release: plan.needs_go(),
                before_pivot: !plan.pivot_hooks.0.is_empty(),
            },
            child_code,
            makes: plan.made_inside(),
            makes_again: plan.made_again(),
            makes_after_move: plan.made_after_move(),
            time_namespace: attempt.clocks.as_deref(),
            join: if has_intermediate { Join::default() } else { joined.child() },
            early_label: privileges.label.filter(|_| enters_mounts),
            init: None,
            ids,
            session: plan.session.child(fds.has_terminal(), console.map(|file| file.as_fd())),
            from_target: joined.inherited(),
            root: plan.root.child(attempt.trees.as_ref()),
            console: console.map(|socket| plan.console.child(socket.as_fd(), ids.uid)),
            place_fds: self.place_fds(),
            close_rest: self.ranges(),
            names: plan.names.child(),
            sysctls: self.sysctls(),
            keyring: plan.keyring.as_ref().map(Keyring::child),
            scheduling: plan.scheduling.child(),
            limits: Limits { no_core, ..limits },
            privileges: Privileges {
                label: privileges.label.filter(|_| !enters_mounts),
                listener: attempt.listener.as_ref().map(|socket| socket.as_fd()),
                ..privileges
            },
            dispositions: plan.dispositions(),
            mask: SignalSet::EMPTY,
            program_fd: attempt.program_fd.as_ref().map(|file| file.as_fd()),
            paths: self.paths(),
            argv: attempt.arrays.argv(),
            envp: attempt.arrays.envp().as_ptr(),
        }
    }

    /// The moves of descriptors, and those of a new terminal to the standard streams.
    fn place_fds(&self) -> &[FdStep] {
        let Attempt { fds, console, .. } = self.attempt();
        let Some(console) = console else { return fds.steps() };
        let streams = (0..=2).map(|to| FdStep::Duplicate { from: console.as_raw_fd(), to });
        let steps: Vec<_> = fds.steps().iter().copied().chain(streams).collect();
        // SAFETY: the steps borrow nothing.
        unsafe { self.keep(steps) }
    }

    /// The descriptors that the child closes: all except the file of its lock, the file of its
    /// program and the socket for a listener, which exec closes.
    fn ranges(&self) -> &[FdRange] {
        let Attempt { fds, lock, program_fd, listener, .. } = self.attempt();
        let mut kept = program_fd.iter().chain(listener).peekable();
        let mut ranges = match (lock, kept.peek()) {
            (None, None) => return fds.ranges(),
            (Some(lock), _) => fds.ranges_around(lock.raw_fd()),
            (None, Some(_)) => fds.ranges().to_vec(),
        };
        for file in kept {
            ranges = without(&ranges, file.as_raw_fd().unsigned_abs());
        }
        // SAFETY: the ranges borrow nothing.
        unsafe { self.keep(ranges) }
    }

    /// The files of the cgroups to which the child moves itself.
    fn cgroup_tasks(&self) -> &[BorrowedFd<'_>] {
        let Attempt { plan, .. } = self.attempt();
        if plan.cgroup_tasks.is_empty() {
            return &[];
        }
        let files: Vec<_> = plan.cgroup_tasks.iter().map(|file| file.as_fd()).collect();
        // SAFETY: the files belong to the plan of the attempt.
        unsafe { self.keep(files) }
    }

    /// The kernel parameters to set.
    fn sysctls(&self) -> Sysctls<'_> {
        let Attempt { plan, sysctl_dir, .. } = self.attempt();
        if plan.sysctls.is_empty() {
            return Sysctls::default();
        }
        // SAFETY: the paths and values belong to the plan of the attempt.
        let values = unsafe { self.keep(plan.sysctls.values()) };
        Sysctls { dir: sysctl_dir.as_ref().map(|dir| dir.as_fd()), values }
    }

    /// The paths of the program; none for a closure.
    fn paths(&self) -> Paths<'_> {
        let Some(program) = self.attempt().plan.work.program() else { return Paths::Several(&[]) };
        if let Some(path) = program.only_path() {
            return Paths::One(path);
        }
        let candidates: Vec<_> = program.candidates().collect();
        // SAFETY: the paths belong to the plan of the attempt.
        Paths::Several(unsafe { self.keep(candidates) })
    }
}

/// The ranges without `number`.
fn without(ranges: &[FdRange], number: u32) -> Vec<FdRange> {
    let split = |range: &FdRange| {
        let FdRange { first, last } = *range;
        let below = number.checked_sub(1).map(|below| FdRange { first, last: last.min(below) });
        let above = number.checked_add(1).map(|above| FdRange { first: first.max(above), last });
        [below, above].into_iter().flatten().filter(|range| range.first <= range.last)
    };
    ranges.iter().flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_left_out_of_the_ranges(
            kept in proptest::collection::vec(0_u32..40, 0..10),
            number in prop_oneof![0_u32..40, Just(u32::MAX)],
        ) {
            let with = kept.iter().copied().chain([number]);
            prop_assert_eq!(without(&FdRange::around(kept.clone()), number), FdRange::around(with));
        }
    }
}
