//! What a start opens and allocates before it clones, and keeps until the child has left the memory.

use std::boxed::Box;
use std::ffi::{CString, c_char};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use ns_sys::{CloneArgs, CloneFlags, NamespaceFlags};

use super::init::Beside;
use super::pipes::Opened;
use super::prepare;
use super::stack::Stack;
use super::starter::Starter;
use crate::error::Error;
use crate::in_child::STATUS;
use crate::joined::Joined;
use crate::plan::{Plan, Program};
use crate::process::{Process, Tie};

pub(super) struct Ready {
    pub(super) fds: Opened,
    pub(super) starter: Option<Starter>,
    pub(super) stack: Stack,
    pub(super) beside: Option<Beside>,
    pub(super) deadline: Option<Instant>,
    pub(super) argv: Vec<*const c_char>,
    pub(super) envp: Vec<*const c_char>,
    pub(super) clocks: Option<CString>,
    pub(super) joined: Arc<Joined>,
    /// What the arrays lead to.
    pub(super) plan: Arc<Plan>,
}

impl Ready {
    pub(super) fn new(
        plan: &Arc<Plan>,
        joined: &Arc<Joined>,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        let fds = Opened::new(plan)?;
        let lowest = if plan.init.is_some() { STATUS + 1 } else { STATUS };
        let starter = || Starter::new()?.apart(&fds, lowest);
        let starter = plan.watches_parent().then(starter).transpose();
        let starter = starter.map_err(prepare(plan, "a descriptor of the calling thread"))?;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let beside = Beside::open(plan)?;
        let program = plan.work.program();
        Ok(Self {
            fds,
            starter,
            stack,
            beside,
            deadline,
            argv: program.map_or_else(Vec::new, Program::argv),
            envp: plan.work.envp(),
            clocks: plan.made_inside().contains(NamespaceFlags::TIME).then(|| clocks(plan)),
            joined: Arc::clone(joined),
            plan: Arc::clone(plan),
        })
    }

    /// Of a clone that copies this thread: the word of libc's that holds the thread's id is the child's too,
    /// where libc has such a word.
    pub(super) fn args_of_copy(&self, flags: CloneFlags) -> CloneArgs<'_> {
        let Some(word) = self.starter.as_ref().and_then(Starter::word) else {
            return CloneArgs::new(flags);
        };
        let set = CloneFlags::CHILD_SETTID | CloneFlags::CHILD_CLEARTID;
        let mut args = CloneArgs::new(flags | set);
        args.child_tid(word);
        args
    }

    /// The handle of what was executed, with all that goes on with it.
    pub(super) fn handle(self: Box<Self>, executed: (u32, OwnedFd)) -> Process {
        let Self { mut fds, beside, plan, .. } = *self;
        Process::new(plan.name.clone(), executed, tie(&plan))
            .with_pipes([0, 1, 2].map(|number| fds.take_pipe(number)))
            .with_init(beside.map(Beside::into_status))
    }
}

fn tie(plan: &Plan) -> Tie {
    let kill_on_drop = plan.lifetime.kill_on_drop;
    // Unreaped, it would keep the pid namespace of others from ending.
    let ends_among_others = kill_on_drop && plan.join.kinds().contains(NamespaceFlags::PID);
    Tie {
        kill_on_drop,
        reap_on_drop: ends_among_others || plan.join.target.is_some() && plan.daemon.is_none(),
        is_sibling: plan.flags.contains(CloneFlags::PARENT) || plan.is_reparented(),
    }
}

/// The file by which a child enters the time namespace that it made; a NUL in the path of proc was
/// refused by the plan.
fn clocks(plan: &Plan) -> CString {
    let path = plan.maps.proc.join("self/ns/time_for_children");
    CString::new(path.into_os_string().into_vec()).unwrap_or_default()
}
