//! The steps of an attempt's child, kept where the child finds them.
#![allow(unsafe_code, reason = "what the child is given is kept for it")]

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
    /// The caller's own code in the child, if there is any.
    pub(super) fn runner(&'a self) -> Option<&'a HookRunner<'a>> {
        let prepared = self.prepared;
        let number = prepared.parent.as_ref().and_then(ParentThread::number);
        let init_process = prepared.init_process.iter().flat_map(InitProcess::opened);
        let own = number.into_iter().chain(prepared.joined.opened()).chain(init_process);
        let runner = || {
            HookRunner::new(
                &prepared.plan,
                &self.shared().message,
                &prepared.fds,
                own,
                &prepared.envp,
            )
        };
        // SAFETY: it leads to what is prepared and to this attempt, which is kept.
        self.plan().forks().then(|| unsafe { self.resources.keep(runner()) })
    }

    /// The steps of the child; of pid 1, where the program is another.
    pub(super) fn steps(&'a self, runner: Option<&'a HookRunner<'a>>) -> &'a ChildPlan<'a> {
        let whole = self.whole(runner.map(|runner| runner as &dyn ChildCode));
        let (resources, shared) = (self.resources, self.shared());
        let Some(init_process) = &self.prepared.init_process else {
            // SAFETY: it leads to what is prepared, and to what is kept.
            return unsafe { resources.keep(whole) };
        };
        let args = match runner {
            Some(_) => self.args_under_init(),
            None => init_process.args(self.plan(), shared),
        };
        // SAFETY: as above.
        let args = unsafe { resources.keep(args) };
        let lock = self.lock().map(ExecLock::program);
        // SAFETY: as above.
        let program = unsafe { resources.keep(InitProcess::program(&whole, shared, lock)) };
        let kept = self.lock().map(ExecLock::number);
        // SAFETY: as above.
        let ranges = unsafe { resources.keep(init_process.ranges(kept)) };
        // SAFETY: as above.
        unsafe { resources.keep(init_process.pid_one(&whole, program, args, shared, ranges)) }
    }

    /// Of pid 1's clone for code of the caller's.
    fn args_under_init(&self) -> CloneArgs<'_> {
        let plan = self.plan();
        let mut args = self.prepared.args_of_copy(plan.flags_under_init());
        args.parent_tid(&self.shared().program_pid);
        if plan.work.closure().is_some() {
            // No exec gives it one, and the init has to learn of its end.
            args.exit_signal(SIGCHLD);
        }
        args
    }

    /// All steps, those of an init and of its program alike.
    fn whole(&'a self, child_code: Option<&'a dyn ChildCode>) -> ChildPlan<'a> {
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
            dumpable_at_release: (self.route.copies_memory() && self.own.cleared_at_go)
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

    /// What the child closes: all but the file of its lock, which exec closes.
    fn ranges(&'a self) -> &'a [FdRange] {
        let fds = &self.prepared.fds;
        match self.lock() {
            // SAFETY: it leads to nothing.
            Some(lock) => unsafe { self.resources.keep(fds.ranges_around(lock.number())) },
            None => fds.ranges(),
        }
    }
}
