//! The steps of an attempt's child.
#![allow(unsafe_code, reason = "extends the lifetime of the child's arguments")]

use std::prelude::rust_2024::*;

use ns_fs::apply::FdRange;
use ns_sys::child::SignalSet;
use ns_sys::{CloneArgs, NamespaceFlags};

use super::attempt::Attempt;
use super::exec_lock::ExecLock;
use super::exec_name::ExecName;
use super::hooks::HookRunner;
use super::init::InitProcess;
use super::parent::ParentThread;
use super::prepare::PreparedStart;
use crate::in_child::{ChildCode, ChildPlan, Join, Limits, Privileges, SIGCHLD};

impl<'a> Attempt<'a> {
    /// Runs the caller's code in the child; `None` if there is none.
    pub(super) fn runner(&'a self) -> Option<&'a HookRunner<'a>> {
        let prepared = self.prepared;
        let parent_fd = prepared.parent.as_ref().and_then(ParentThread::raw_fd);
        let init_process = prepared.init_process.iter().flat_map(InitProcess::opened);
        let private_fds = parent_fd.into_iter().chain(prepared.joined.opened()).chain(init_process);
        let runner = || {
            HookRunner::new(
                &prepared.plan,
                &self.shared().message,
                &prepared.fds,
                private_fds,
                &prepared.envp,
            )
        };
        // SAFETY: the runner borrows the prepared start, and this attempt, which `resources` keeps.
        self.plan().forks().then(|| unsafe { self.resources.keep(runner()) })
    }

    /// The steps of the child. If an init runs as pid 1, these are the steps of the init.
    pub(super) fn steps(&'a self, runner: Option<&'a HookRunner<'a>>) -> &'a ChildPlan<'a> {
        let all = self.all_steps(runner.map(|runner| runner as &dyn ChildCode));
        let (resources, shared) = (self.resources, self.shared());
        let Some(init_process) = &self.prepared.init_process else {
            // SAFETY: the plan borrows the prepared start, this attempt and the runner, which
            // `resources` keeps.
            return unsafe { resources.keep(all) };
        };
        let args = match runner {
            Some(_) => self.args_under_init(),
            None => init_process.args(self.plan(), shared),
        };
        // SAFETY: as above.
        let args = unsafe { resources.keep(args) };
        let lock = self.lock().map(ExecLock::program);
        // SAFETY: as above.
        let program = unsafe { resources.keep(InitProcess::program(&all, shared, lock)) };
        let lock_fd = self.lock().map(ExecLock::raw_fd);
        // SAFETY: as above.
        let ranges = unsafe { resources.keep(init_process.ranges(lock_fd)) };
        // SAFETY: as above.
        unsafe { resources.keep(init_process.pid_one(&all, program, args, shared, ranges)) }
    }

    /// The arguments with which pid 1 clones a process that runs the caller's code.
    fn args_under_init(&self) -> CloneArgs<'_> {
        let plan = self.plan();
        let mut args = self.prepared.args_of_copy(plan.flags_under_init());
        args.parent_tid(&self.shared().program_pid);
        if plan.work.closure().is_some() {
            // A closure never executes a program, so exec does not set its exit signal, and the
            // init waits for the signal.
            args.exit_signal(SIGCHLD);
        }
        args
    }

    /// All steps, both of an init and of its program.
    fn all_steps(&'a self, child_code: Option<&'a dyn ChildCode>) -> ChildPlan<'a> {
        let PreparedStart { joined, fds, parent, clocks, .. } = self.prepared;
        let plan = self.plan();
        let limits = plan.limits.child();
        let copied = self.route.copies_memory();
        let has_intermediate = self.route.has_intermediate();
        let no_core = limits.no_core.filter(|_| !has_intermediate);
        let privileges = plan.privileges.child(joined.kinds(), joined.ceiling());
        let enters_mounts = joined.kinds().contains(NamespaceFlags::MNT);
        ChildPlan {
            handshake: &self.shared().child,
            is_under_init: false,
            exec_lock: self.lock().map(ExecLock::child),
            exec_name: self.name().map(ExecName::as_c_str),
            dumpable: self.first_dumpable().filter(|_| !has_intermediate),
            dumpable_at_release: (self.route.copies_memory() && self.own_dumpable.cleared_at_go)
                .then_some(false),
            parent: parent.as_ref().map(|parent| parent.watch(copied)),
            copied,
            waits_for_release: plan.needs_go(),
            child_code,
            makes: plan.made_inside(),
            time_namespace: clocks.as_deref(),
            join: if has_intermediate { Join::default() } else { self.join() },
            early_label: privileges.label.filter(|_| enters_mounts),
            init: None,
            ids: joined.ids(plan.ids.child(), plan.ids.asks_for_groups()),
            session: plan.session.child(fds.has_terminal()),
            from_target: joined.inherited(),
            root: plan.root.child(),
            place_fds: fds.steps(),
            close_rest: self.ranges(),
            names: plan.names.child(),
            limits: Limits { no_core, ..limits },
            privileges: Privileges {
                label: privileges.label.filter(|_| !enters_mounts),
                ..privileges
            },
            dispositions: plan.dispositions(),
            mask: SignalSet::EMPTY,
            candidates: &self.candidates,
            argv: self.prepared.argv.as_ptr(),
            envp: self.prepared.envp.as_ptr(),
        }
    }

    /// The descriptors that the child closes: all except the file of its lock, which exec closes.
    fn ranges(&'a self) -> &'a [FdRange] {
        let fds = &self.prepared.fds;
        match self.lock() {
            // SAFETY: the ranges borrow nothing.
            Some(lock) => unsafe { self.resources.keep(fds.ranges_around(lock.raw_fd())) },
            None => fds.ranges(),
        }
    }
}
