//! A start with a pid 1 beside the program: the caller's side.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_fs::apply::{FdRange, FdStep};
use ns_sys::child::SignalSet;
use ns_sys::{CloneArgs, NamespaceFlags};
use rustix::event::{EventfdFlags, eventfd};

use super::file;
use crate::error::Error;
use crate::in_child::{
    ChildPlan, Dispositions, ExecLock, Ids, Init, Join, Limits, Names, Privileges, Root, STATUS,
    Session,
};
use crate::plan::Plan;
use crate::start::prepare;
use crate::start::shared::SharedState;
use crate::start::stack::Stack;

/// What it needs, kept until both processes have left the memory.
pub(in crate::start) struct InitProcess {
    stack: Stack,
    executable: Arc<OwnedFd>,
    argv0: CString,
    /// Where the init tells how the program ended.
    status: OwnedFd,
    place: [FdStep; 1],
}

impl InitProcess {
    /// Opens it, if `plan` has an init.
    pub(in crate::start) fn open(plan: &Plan) -> Result<Option<Self>, Error> {
        let Some(source) = &plan.init else { return Ok(None) };
        let (executable, argv0) = file::open(plan, source)?;
        let status = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let status = status.map_err(prepare(plan, "a descriptor for the status"))?;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let place = [at_its_place(&status)];
        Ok(Some(Self { stack, executable, argv0, status, place }))
    }

    /// The arguments of the program's clone: pid 1 makes it, in its own namespaces.
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

    /// The descriptors that are not the program's to keep, by number.
    pub(in crate::start) fn opened(&self) -> impl Iterator<Item = RawFd> {
        [self.executable.as_raw_fd(), self.status.as_raw_fd()].into_iter()
    }

    /// The steps of the program's process: those of `whole` that pid 1 has not made before.
    pub(in crate::start) fn program<'a>(
        whole: &ChildPlan<'a>,
        shared: &'a SharedState,
        exec_lock: Option<ExecLock<'a>>,
    ) -> ChildPlan<'a> {
        ChildPlan {
            handshake: &shared.program,
            is_under_init: true,
            exec_lock,
            dumpable: None,
            dumpable_at_release: None,
            parent: None,
            waits_for_release: false,
            makes: NamespaceFlags::empty(),
            time_namespace: None,
            join: Join::default(),
            ids: Ids { zero_gid: false, zero_uid: false, ..whole.ids },
            session: Session { die_with_parent: None, ..whole.session },
            from_target: None,
            root: Root::default(),
            names: Names::default(),
            limits: Limits { no_core: None, ..whole.limits },
            privileges: Privileges { label: None, ..whole.privileges },
            dispositions: Dispositions::Kept,
            ..*whole
        }
    }

    /// The steps of pid 1: a session and descriptors of its own, and no signal comes through.
    pub(in crate::start) fn pid_one<'a>(
        &'a self,
        whole: &ChildPlan<'a>,
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
        let die_with_parent = whole.session.die_with_parent;
        ChildPlan {
            session: Session { new: true, die_with_parent, ..Session::default() },
            place_fds: &self.place,
            close_rest,
            mask: SignalSet::ALL,
            init: Some(init),
            ..*whole
        }
    }

    /// What pid 1 closes: all but the status, the file that it executes, and one that is `kept` besides.
    pub(in crate::start) fn ranges(&self, kept: Option<RawFd>) -> Vec<FdRange> {
        let numbers = [STATUS, self.executable.as_raw_fd()].into_iter().chain(kept);
        FdRange::around(numbers.map(RawFd::unsigned_abs))
    }

    /// Both processes have left the memory: what is needed from now on is the status.
    pub(in crate::start) fn into_status(self) -> OwnedFd {
        self.status
    }
}

fn at_its_place(status: &OwnedFd) -> FdStep {
    match status.as_raw_fd() {
        STATUS => FdStep::Inherit { fd: STATUS },
        from => FdStep::Duplicate { from, to: STATUS },
    }
}
