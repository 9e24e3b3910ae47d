//! What a start opens and allocates before it clones, and keeps until the child has left the memory.

use std::ffi::{CStr, CString, c_char};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::prelude::rust_2024::*;
use std::time::Instant;

use ns_sys::child::SignalSet;
use ns_sys::{CloneArgs, CloneFlags, Namespace, NamespaceFlags};

use super::board::{Board, Place};
use super::guest::Visitor;
use super::init::Beside;
use super::pipes::Opened;
use super::prepare;
use super::stack::Stack;
use super::starter::Starter;
use crate::builder::Memory;
use crate::error::Error;
use crate::in_child::{ChildPlan, Guest, Join, Limits, Privileges, SIGCHLD, STATUS, Words};
use crate::joined::Joined;
use crate::plan::{Plan, Program};
use crate::process::{Process, Tie};

pub(super) struct Ready<'a> {
    pub(super) plan: &'a Plan,
    pub(super) joined: &'a Joined,
    fds: Opened,
    pub(super) starter: Option<Starter>,
    pub(super) stack: Stack,
    beside: Option<Beside>,
    copied: bool,
    place: Place,
    pub(super) deadline: Option<Instant>,
    candidates: Vec<&'a CStr>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    clocks: Option<CString>,
    files: Vec<(BorrowedFd<'a>, Namespace)>,
}

impl<'a> Ready<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        joined: &'a Joined,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        let fds = Opened::new(plan)?;
        let lowest = if plan.init.is_some() { STATUS + 1 } else { STATUS };
        let starter = || Starter::new()?.apart(&fds, lowest);
        let starter = plan.watches_parent().then(starter).transpose();
        let starter = starter.map_err(prepare(plan, "a descriptor of the calling thread"))?;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let beside = Beside::open(plan)?;
        let copied = plan.forks()
            || plan.memory == Memory::Copied
            || joined.kinds().contains(NamespaceFlags::TIME);
        let place = Place::new(plan.needs_go(), copied).map_err(prepare(plan, "a page"))?;
        let program = plan.work.program();
        Ok(Self {
            plan,
            joined,
            fds,
            starter,
            stack,
            beside,
            copied,
            place,
            deadline,
            candidates: program.iter().flat_map(|program| program.candidates()).collect(),
            argv: program.map_or_else(Vec::new, Program::argv),
            envp: plan.work.envp(),
            clocks: plan.made_inside().contains(NamespaceFlags::TIME).then(|| clocks(plan)),
            files: joined.borrowed_files(),
        })
    }

    pub(super) fn board(&self) -> &Board {
        &self.place
    }

    /// Of the program's process, where pid 1 is another.
    pub(super) fn beside(&self) -> Option<&Words> {
        self.beside.as_ref().map(|_| &self.board().program)
    }

    /// What is entered first.
    pub(super) fn join(&self) -> Join<'_> {
        self.joined.child(&self.files)
    }

    /// Whether another process makes the child: the one with the copy of memory, or one that enters
    /// the namespaces and makes it in there, or leaves the caller's session.
    pub(super) fn has_middle(&self) -> bool {
        if self.plan.is_forks_child() {
            return false;
        }
        let kinds = self.joined.kinds();
        let enters = kinds.contains(NamespaceFlags::PID)
            || !kinds.is_empty() && !self.plan.namespaces().is_empty();
        self.copied || self.plan.daemon.is_some() || enters
    }

    /// The caller's own code in the child, if there is any.
    pub(super) fn visitor(&self) -> Option<Visitor<'_>> {
        let number = self.starter.as_ref().and_then(Starter::number);
        let beside = self.beside.iter().flat_map(Beside::opened);
        let own = number.into_iter().chain(self.joined.opened()).chain(beside);
        let visitor = || Visitor::new(self.plan, &self.board().said, &self.fds, own, &self.envp);
        self.plan.forks().then(visitor)
    }

    /// Hands `start` the steps of the child; of pid 1, where the program is another.
    pub(super) fn with_steps<T>(
        &self,
        visitor: Option<&Visitor<'_>>,
        start: impl FnOnce(&ChildPlan<'_>) -> T,
    ) -> T {
        let whole = self.steps(visitor.map(|visitor| visitor as &dyn Guest));
        let Some(beside) = &self.beside else { return start(&whole) };
        let args = match visitor {
            Some(_) => self.args_beside(),
            None => beside.args(self.plan, self.board()),
        };
        let program = Beside::program(&whole, self.board());
        start(&beside.pid_one(&whole, &program, &args, self.board()))
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

    /// Of pid 1's clone for code of the caller's.
    fn args_beside(&self) -> CloneArgs<'_> {
        let mut args = self.args_of_copy(self.plan.flags_beside_init());
        args.parent_tid(&self.board().program_pid);
        if self.plan.work.closure().is_some() {
            // No exec gives it one, and the init has to learn of its end.
            args.exit_signal(SIGCHLD);
        }
        args
    }

    /// All there is to do, for whoever does it.
    fn steps<'b>(&'b self, guest: Option<&'b dyn Guest>) -> ChildPlan<'b> {
        let Self { plan, joined, fds, .. } = self;
        let limits = plan.limits.child();
        let no_core = limits.no_core.filter(|_| !self.has_middle());
        let privileges = plan.privileges.child(joined.kinds(), joined.limited());
        let enters_mounts = joined.kinds().contains(NamespaceFlags::MNT);
        ChildPlan {
            words: &self.board().child,
            is_beside: false,
            starter: self.starter.as_ref().map(|starter| starter.watch(self.copied)),
            copied: self.copied,
            waits: plan.needs_go(),
            guest,
            makes: plan.made_inside(),
            time_namespace: self.clocks.as_deref(),
            join: if self.has_middle() { Join::default() } else { self.join() },
            early_label: privileges.label.filter(|_| enters_mounts),
            init: None,
            ids: joined.ids(plan.ids.child(), plan.ids.asks_for_groups()),
            session: plan.session.child(fds.has_terminal()),
            follow: joined.follow(),
            root: plan.root.child(),
            place_fds: fds.steps(),
            close_rest: fds.ranges(),
            names: plan.names.child(),
            limits: Limits { no_core, ..limits },
            privileges: Privileges {
                label: privileges.label.filter(|_| !enters_mounts),
                ..privileges
            },
            dispositions: plan.dispositions(),
            mask: SignalSet::EMPTY,
            candidates: &self.candidates,
            argv: self.argv.as_ptr(),
            envp: self.envp.as_ptr(),
        }
    }

    /// The handle of what was executed, with all that goes on with it.
    pub(super) fn handle(mut self, executed: (u32, OwnedFd)) -> Process {
        self.stack.keep();
        Process::new(self.plan.name.clone(), executed, tie(self.plan))
            .with_pipes([0, 1, 2].map(|number| self.fds.take_pipe(number)))
            .with_init(self.beside.map(Beside::into_status))
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
