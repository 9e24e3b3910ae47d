//! The caller's side of a start with an init as pid 1 alongside the program.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;

use ns_fs::apply::{FdRange, FdStep};
use ns_sys::child::SignalSet;
use ns_sys::{CloneArgs, NamespaceFlags};
use rustix::event::{EventfdFlags, eventfd};

use super::file;
use crate::error::Error;
use crate::in_child::{
    ChildPlan, Dispositions, ExecLock, Ids, Init, Join, Limits, Names, Privileges, Root, STATUS,
    Session, Sysctls, Waits,
};
use crate::plan::Plan;
use crate::start::prepare;
use crate::start::shared::SharedState;
use crate::start::stack::Stack;

/// The resources of the init, kept until the init and the program have left the memory.
pub(in crate::start) struct InitProcess {
    stack: Stack,
    executable: OwnedFd,
    argv0: CString,
    /// The eventfd to which the init writes the wait status of the program.
    status: OwnedFd,
    status_step: [FdStep; 1],
}

impl InitProcess {
    /// Opens the resources if `plan` has an init.
    pub(in crate::start) fn open(plan: &Plan) -> Result<Option<Self>, Error> {
        let Some(source) = &plan.init else { return Ok(None) };
        let (executable, argv0) = file::open(plan, source)?;
        let status = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let status = status.map_err(prepare(plan, "a descriptor for the status"))?;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let status_step = [status_step(&status)];
        Ok(Some(Self { stack, executable, argv0, status, status_step }))
    }

    /// The arguments with which pid 1 clones the program, in its own namespaces.
    pub(in crate::start) fn args<'a>(
        &'a self,
        plan: &Plan,
        shared: &'a SharedState,
    ) -> CloneArgs<'a> {
        let mut args = CloneArgs::new(plan.flags_under_init());
        args.parent_tid(&shared.program_pid).child_tid(&shared.program.child_tid);
        args.stack(self.stack.lowest(), Stack::SIZE);
        args
    }

    /// The numbers of the descriptors that the program must not keep.
    pub(in crate::start) fn opened(&self) -> impl Iterator<Item = RawFd> {
        [self.executable.as_raw_fd(), self.status.as_raw_fd()].into_iter()
    }

    /// The steps of the program: those of `all` that pid 1 has not made.
    pub(in crate::start) fn program<'a>(
        all: &ChildPlan<'a>,
        shared: &'a SharedState,
        exec_lock: Option<ExecLock<'a>>,
    ) -> ChildPlan<'a> {
        ChildPlan {
            handshake: &shared.program,
            is_under_init: true,
            exec_lock,
            oom_score_adj: None,
            cgroup_tasks: &[],
            dumpable: None,
            dumpable_at_release: None,
            parent: None,
            waits: Waits::default(),
            makes: NamespaceFlags::empty(),
            makes_again: NamespaceFlags::empty(),
            makes_after_move: NamespaceFlags::empty(),
            time_namespace: None,
            join: Join::default(),
            ids: Ids { zero_gid: false, zero_uid: false, ..all.ids },
            session: Session { die_with_parent: None, ..all.session },
            from_target: None,
            root: Root::default(),
            console: None,
            names: Names::default(),
            sysctls: Sysctls::default(),
            keyring: None,
            limits: Limits { no_core: None, ..all.limits },
            privileges: Privileges { label: None, ..all.privileges },
            dispositions: Dispositions::Kept,
            ..*all
        }
    }

    /// The steps of pid 1: its own session and descriptors, and all signals blocked.
    pub(in crate::start) fn pid_one<'a>(
        &'a self,
        plan: &Plan,
        all: &ChildPlan<'a>,
        program: &'a ChildPlan<'a>,
        args: &'a CloneArgs<'a>,
        shared: &'a SharedState,
        close_rest: &'a [FdRange],
    ) -> ChildPlan<'a> {
        let init = Init {
            args,
            program,
            pid: &shared.program_pid,
            ended: &shared.program_ended,
            executable: self.executable.as_fd(),
            argv0: &self.argv0,
        };
        let die_with_parent = all.session.die_with_parent;
        ChildPlan {
            session: Session { new: true, die_with_parent, ..Session::default() },
            place_fds: &self.status_step,
            close_rest,
            mask: SignalSet::ALL,
            // Its descriptor would be of no use: it serves the filter of one process.
            privileges: Privileges {
                listener: None,
                filter_flags: plan.privileges.seccomp.flags_without_listener(),
                ..all.privileges
            },
            init: Some(init),
            ..*all
        }
    }

    /// The descriptors that pid 1 closes: all except the status, the file that it executes, and
    /// `lock_fd`.
    pub(in crate::start) fn ranges(&self, lock_fd: Option<RawFd>) -> Vec<FdRange> {
        let numbers = [STATUS, self.executable.as_raw_fd()].into_iter().chain(lock_fd);
        FdRange::around(numbers.map(RawFd::unsigned_abs))
    }

    /// Keeps only the status, once both processes have left the memory.
    pub(in crate::start) fn into_status(self) -> OwnedFd {
        self.status
    }
}

fn status_step(status: &OwnedFd) -> FdStep {
    match status.as_raw_fd() {
        STATUS => FdStep::Inherit { fd: STATUS },
        from => FdStep::Duplicate { from, to: STATUS },
    }
}
