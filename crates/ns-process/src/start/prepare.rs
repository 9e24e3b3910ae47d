//! Everything that a start opens and allocates before clone, kept until the child has left the
//! memory.

use std::boxed::Box;
use std::ffi::{CString, c_char};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use ns_sys::{CloneArgs, CloneFlags, NamespaceFlags};

use super::init::InitProcess;
use super::parent::ParentThread;
use super::pipes::Opened;
use super::prepare;
use super::stack::Stack;
use crate::error::Error;
use crate::in_child::STATUS;
use crate::plan::Plan;
use crate::process::{DropPolicy, Process};
use crate::settings::Program;
use crate::target::OpenTarget;

pub(super) struct PreparedStart {
    pub(super) fds: Opened,
    pub(super) parent: Option<ParentThread>,
    pub(super) stack: Stack,
    pub(super) init_process: Option<InitProcess>,
    pub(super) deadline: Option<Instant>,
    pub(super) argv: Vec<*const c_char>,
    pub(super) envp: Vec<*const c_char>,
    pub(super) clocks: Option<CString>,
    pub(super) joined: Arc<OpenTarget>,
    /// Owns the strings of `argv` and `envp`.
    pub(super) plan: Arc<Plan>,
}

impl PreparedStart {
    pub(super) fn new(
        plan: &Arc<Plan>,
        joined: &Arc<OpenTarget>,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        let fds = Opened::new(plan)?;
        let lowest = if plan.init.is_some() { STATUS + 1 } else { STATUS };
        let parent = || ParentThread::new()?.apart(&fds, lowest);
        let parent = plan.watches_parent().then(parent).transpose();
        let parent = parent.map_err(prepare(plan, "a descriptor of the calling thread"))?;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let init_process = InitProcess::open(plan)?;
        let program = plan.work.program();
        Ok(Self {
            fds,
            parent,
            stack,
            init_process,
            deadline,
            argv: program.map_or_else(Vec::new, Program::argv),
            envp: plan.work.envp(),
            clocks: plan.made_inside().contains(NamespaceFlags::TIME).then(|| clocks(plan)),
            joined: Arc::clone(joined),
            plan: Arc::clone(plan),
        })
    }

    /// The arguments of a clone that copies the calling thread. The kernel also sets and clears
    /// libc's word with the thread's ID in the child, if libc has such a word.
    pub(super) fn args_of_copy(&self, flags: CloneFlags) -> CloneArgs<'_> {
        let Some(word) = self.parent.as_ref().and_then(ParentThread::word) else {
            return CloneArgs::new(flags);
        };
        let set = CloneFlags::CHILD_SETTID | CloneFlags::CHILD_CLEARTID;
        let mut args = CloneArgs::new(flags | set);
        args.child_tid(word);
        args
    }

    /// The handle of the started process, with its pipes and its init.
    pub(super) fn handle(self: Box<Self>, executed: (u32, OwnedFd)) -> Process {
        let Self { mut fds, init_process, plan, .. } = *self;
        Process::new(plan.name.clone(), executed, drop_policy(&plan))
            .with_pipes([0, 1, 2].map(|fd| fds.take_pipe(fd)))
            .with_init(init_process.map(InitProcess::into_status))
    }
}

fn drop_policy(plan: &Plan) -> DropPolicy {
    let kill_on_drop = plan.lifetime.kill_on_drop;
    // An unreaped child would keep a joined pid namespace from terminating.
    let is_killed_in_joined = kill_on_drop && plan.join.kinds().contains(NamespaceFlags::PID);
    DropPolicy {
        kill_on_drop,
        reap_on_drop: is_killed_in_joined || plan.join.target.is_some() && plan.daemon.is_none(),
        is_sibling: plan.flags.contains(CloneFlags::PARENT) || plan.is_reparented(),
    }
}

/// The file through which a child joins the time namespace that it created. The plan has refused a
/// proc path with NUL.
fn clocks(plan: &Plan) -> CString {
    let path = plan.maps.proc.join("self/ns/time_for_children");
    CString::new(path.into_os_string().into_vec()).unwrap_or_default()
}
