//! The steps of an attempt's child, kept where the child finds them.
#![allow(unsafe_code, reason = "what the child is given is kept for it")]

use std::prelude::rust_2024::*;

use ns_fs::apply::FdRange;
use ns_sys::child::SignalSet;
use ns_sys::{CloneArgs, NamespaceFlags};

use super::attempt::Attempt;
use super::exec_lock::ExecLock;
use super::exec_name::ExecName;
use super::guest::Visitor;
use super::init::Beside;
use super::ready::Ready;
use super::starter::Starter;
use crate::in_child::{ChildPlan, Guest, Join, Limits, Privileges, SIGCHLD};

impl<'a> Attempt<'a> {
    /// The caller's own code in the child, if there is any.
    pub(super) fn visitor(&'a self) -> Option<&'a Visitor<'a>> {
        let ready = self.ready;
        let number = ready.starter.as_ref().and_then(Starter::number);
        let beside = ready.beside.iter().flat_map(Beside::opened);
        let own = number.into_iter().chain(ready.joined.opened()).chain(beside);
        let visitor =
            || Visitor::new(&ready.plan, &self.board().said, &ready.fds, own, &ready.envp);
        // SAFETY: it leads to what is prepared and to this attempt, which is kept.
        self.plan().forks().then(|| unsafe { self.ground.keep(visitor()) })
    }

    /// The steps of the child; of pid 1, where the program is another.
    pub(super) fn steps(&'a self, visitor: Option<&'a Visitor<'a>>) -> &'a ChildPlan<'a> {
        let whole = self.whole(visitor.map(|visitor| visitor as &dyn Guest));
        let (ground, board) = (self.ground, self.board());
        let Some(beside) = &self.ready.beside else {
            // SAFETY: it leads to what is prepared, and to what is kept.
            return unsafe { ground.keep(whole) };
        };
        let args = match visitor {
            Some(_) => self.args_beside(),
            None => beside.args(self.plan(), board),
        };
        // SAFETY: as above.
        let args = unsafe { ground.keep(args) };
        let lock = self.lock().map(ExecLock::program);
        // SAFETY: as above.
        let program = unsafe { ground.keep(Beside::program(&whole, board, lock)) };
        let kept = self.lock().map(ExecLock::number);
        // SAFETY: as above.
        let ranges = unsafe { ground.keep(beside.ranges(kept)) };
        // SAFETY: as above.
        unsafe { ground.keep(beside.pid_one(&whole, program, args, board, ranges)) }
    }

    /// Of pid 1's clone for code of the caller's.
    fn args_beside(&self) -> CloneArgs<'_> {
        let plan = self.plan();
        let mut args = self.ready.args_of_copy(plan.flags_beside_init());
        args.parent_tid(&self.board().program_pid);
        if plan.work.closure().is_some() {
            // No exec gives it one, and the init has to learn of its end.
            args.exit_signal(SIGCHLD);
        }
        args
    }

    /// All steps, those of an init and of its program alike.
    fn whole(&'a self, guest: Option<&'a dyn Guest>) -> ChildPlan<'a> {
        let Ready { joined, fds, starter, clocks, .. } = self.ready;
        let plan = self.plan();
        let limits = plan.limits.child();
        let has_middle = self.has_middle();
        let no_core = limits.no_core.filter(|_| !has_middle);
        let privileges = plan.privileges.child(joined.kinds(), joined.limited());
        let enters_mounts = joined.kinds().contains(NamespaceFlags::MNT);
        ChildPlan {
            words: &self.board().child,
            is_beside: false,
            exec_lock: self.lock().map(ExecLock::child),
            exec_name: self.name().map(ExecName::as_c_str),
            dumpable: self.first_dumpable().filter(|_| !has_middle),
            dumpable_at_go: (self.copied && self.own.cleared_at_go).then_some(false),
            starter: starter.as_ref().map(|starter| starter.watch(self.copied)),
            copied: self.copied,
            waits: plan.needs_go(),
            guest,
            makes: plan.made_inside(),
            time_namespace: clocks.as_deref(),
            join: if has_middle { Join::default() } else { self.join() },
            early_label: privileges.label.filter(|_| enters_mounts),
            init: None,
            ids: joined.ids(plan.ids.child(), plan.ids.asks_for_groups()),
            session: plan.session.child(fds.has_terminal()),
            follow: joined.follow(),
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
            argv: self.ready.argv.as_ptr(),
            envp: self.ready.envp.as_ptr(),
        }
    }

    /// What the child closes: all but the file of its lock, which exec closes.
    fn ranges(&'a self) -> &'a [FdRange] {
        let fds = &self.ready.fds;
        match self.lock() {
            // SAFETY: it leads to nothing.
            Some(lock) => unsafe { self.ground.keep(fds.ranges_around(lock.number())) },
            None => fds.ranges(),
        }
    }
}
