//! One attempt of a start: what it opens and allocates before clone.
//!
//! The child shares the caller's memory, or gets a copy if it needs its own dumpable flag.

use std::boxed::Box;
use std::ffi::CString;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use ns_fs::OpenTrees;
use ns_sys::{CloneArgs, CloneFlags, Errno, NamespaceFlags, Signal};

use super::cached_file::above;
use super::dumpable;
use super::exec_lock::ExecLock;
use super::exec_name::ExecName;
use super::init::InitProcess;
use super::parent::ParentThread;
use super::pipes::Opened;
use super::prepare;
use super::shared::{SharedState, StateMemory, Text};
use super::stack::Stack;
use crate::error::Error;
use crate::in_child::{self, STATUS};
use crate::plan::{Dumpable, OwnDumpable, Plan, Route};
use crate::process::{DropPolicy, Process, Tree};
use crate::settings::Arrays;
use crate::step::Step;
use crate::target::OpenTarget;

/// When an attempt copies memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyMode {
    IfNeeded,
    Always {
        /// Whether the copy stays dumpable until the maps are written, although other processes may
        /// read its memory until then.
        for_maps: bool,
    },
}

/// Why an attempt failed.
pub(super) enum Failure {
    Error(Error),
    /// Another attempt with this mode may succeed. If it is impossible, this is the error.
    Retry(CopyMode, Error),
    /// The program changed its dumpable flag meanwhile: the same attempt may succeed.
    Again(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Everything that an attempt needs, kept until the child has left the memory.
pub(super) struct Attempt {
    pub(super) fds: Opened,
    pub(super) parent: Option<ParentThread>,
    pub(super) stack: Stack,
    pub(super) init_process: Option<InitProcess>,
    pub(super) deadline: Option<Instant>,
    pub(super) arrays: Arrays,
    pub(super) clocks: Option<CString>,
    pub(super) joined: Arc<OpenTarget>,
    pub(super) route: Route,
    pub(super) dumpable: Dumpable,
    /// The dumpable flag of copied memory.
    pub(super) own_dumpable: OwnDumpable,
    /// The program's dumpable flag when this attempt was made, if memory is copied.
    pub(super) program_dumpable: bool,
    shared: StateMemory,
    pub(super) lock: Option<ExecLock>,
    /// Whether the caller waits for the name of the program also if no lock is taken.
    pub(super) awaits_name: bool,
    /// The name of the child until it has executed something, if that has to be verified.
    pub(super) name: Option<ExecName>,
    /// The stack of an intermediate process that clone3 makes.
    pub(super) intermediate_stack: Option<Stack>,
    /// The file of the program, at a number that the child does not overwrite.
    pub(super) program_fd: Option<OwnedFd>,
    /// `/proc/sys`, if the child sets kernel parameters.
    pub(super) sysctl_dir: Option<OwnedFd>,
    /// The socket that receives the master of a new terminal.
    pub(super) console: Option<OwnedFd>,
    /// The socket that receives the listener of the filter.
    pub(super) listener: Option<OwnedFd>,
    /// The trees to mount, opened for this child only.
    pub(super) trees: Option<OpenTrees>,
    /// Owns the strings of `arrays`.
    pub(super) plan: Arc<Plan>,
}

impl Attempt {
    pub(super) fn new(
        plan: &Arc<Plan>,
        joined: &Arc<OpenTarget>,
        copy: CopyMode,
        deadline: Option<Instant>,
    ) -> Result<Box<Self>, Error> {
        let fds = Opened::new(&plan.name, &plan.streams.descriptors)?;
        let lowest = if plan.init.is_some() { STATUS + 1 } else { STATUS };
        let parent = || ParentThread::new()?.apart(&fds, lowest);
        let parent = plan.watches_parent().then(parent).transpose();
        let parent = parent.map_err(prepare(plan, "a descriptor of the calling thread"))?;
        let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
        let init_process = InitProcess::open(plan)?;
        let trees = plan.root.open_trees();
        let trees =
            trees.map_err(|message| Error::new(&plan.name, Step::Prepare).with_object(message))?;
        let program = plan.work.program();
        let program_fd = program.and_then(|program| program.file.as_deref());
        let program_fd = program_fd.map(|file| apart(file, &fds, lowest)).transpose();
        let program_fd = program_fd.map_err(prepare(plan, "a descriptor of the program"))?;
        let sysctl_dir = plan.sysctls.open(&plan.maps.proc);
        let sysctl_dir =
            sysctl_dir.and_then(|dir| dir.map(|dir| apart(&dir, &fds, lowest)).transpose());
        let sysctl_dir = sysctl_dir.map_err(prepare(plan, "the directory of kernel parameters"))?;
        let console = plan.console.socket().map(|socket| apart(socket, &fds, lowest)).transpose();
        let console = console.map_err(prepare(plan, "the socket of the console"))?;
        let listener = plan.privileges.seccomp.listener();
        let listener = listener.map(|socket| apart(socket, &fds, lowest)).transpose();
        let listener = listener.map_err(prepare(plan, "the socket of the listener"))?;
        let kinds = joined.kinds();
        let route = plan.route(kinds, copy != CopyMode::IfNeeded);
        let dumpable = plan.dumpable(kinds);
        let is_cleared = matches!(dumpable, Dumpable::Cleared | Dumpable::ClearedAtGo);
        let is_locked = is_cleared && !route.copies_memory();
        let lock = is_locked.then(|| ExecLock::new(&fds)).transpose();
        let awaits_name = !route.copies_memory() && plan.awaits_name_in_shared_memory(dumpable);
        let has_intermediate = route.has_intermediate() && !plan.forks();
        let intermediate_stack = has_intermediate.then(Stack::take).transpose();
        let program_dumpable = route.copies_memory() && dumpable::is_dumpable();
        let for_maps = copy == CopyMode::Always { for_maps: true };
        Ok(Box::new(Self {
            parent,
            stack,
            init_process,
            deadline,
            arrays: plan.work.arrays(),
            clocks: plan.made_inside().contains(NamespaceFlags::TIME).then(|| clocks(plan)),
            route,
            dumpable,
            own_dumpable: plan.own_dumpable(kinds, program_dumpable, for_maps),
            program_dumpable,
            shared: StateMemory::new(plan.needs_go(), route.copies_memory())
                .map_err(prepare(plan, "a page"))?,
            awaits_name,
            name: (is_locked || awaits_name || plan.has_exit_signal()).then(ExecName::new),
            lock: lock.map_err(prepare(plan, "a file to lock"))?,
            intermediate_stack: intermediate_stack.map_err(prepare(plan, "a stack"))?,
            program_fd,
            sysctl_dir,
            console,
            listener,
            trees,
            fds,
            joined: Arc::clone(joined),
            plan: Arc::clone(plan),
        }))
    }

    pub(super) fn shared(&self) -> &SharedState {
        &self.shared
    }

    /// The error message of a hook in the child.
    pub(super) fn message(&self) -> Option<&Text> {
        self.shared.message()
    }

    /// The dumpable flag to set first in copied memory; `None` if memory is shared.
    pub(super) fn first_dumpable(&self) -> Option<bool> {
        self.route.copies_memory().then_some(self.own_dumpable.first)
    }

    /// The view for the first process with a copy of the memory.
    pub(super) fn oom_score_adj(&self) -> Option<in_child::OomScoreAdj<'_>> {
        self.plan.limits.oom_score_adj(self.program_dumpable)
    }

    /// The arguments with which pid 1 clones a process that runs the caller's code.
    pub(super) fn args_under_init(&self) -> CloneArgs<'_> {
        let plan = &self.plan;
        let mut args = self.args_of_copy(plan.flags_under_init());
        args.parent_tid(&self.shared().program_pid);
        if plan.work.closure().is_some() {
            // A closure never executes a program, so exec does not set its exit signal, and the
            // init waits for the signal.
            args.exit_signal(Signal::CHILD);
        }
        args
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
        Process::new(Arc::clone(&plan.name), executed, drop_policy(&plan))
            .with_pipes(fds.take_pipes())
            .with_output_limit(plan.lifetime.output_limit)
            .with_tree(tree(&plan))
            .with_init(init_process.map(InitProcess::into_status))
    }
}

/// Duplicates the descriptor, close-on-exec, to a number that is not below `lowest` and that the
/// child does not overwrite.
fn apart(file: &OwnedFd, fds: &Opened, lowest: RawFd) -> Result<OwnedFd, Errno> {
    let moved = fds.apart(above(file, lowest)?, lowest);
    moved.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))
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

fn tree(plan: &Plan) -> Tree {
    match &plan.cgroup {
        _ if plan.namespaces().contains(NamespaceFlags::PID) => Tree::PidNamespace,
        Some(cgroup) => Tree::Cgroup(Arc::clone(cgroup)),
        None => Tree::Process,
    }
}

/// The file through which a child joins the time namespace that it created. The plan has refused a
/// proc path with NUL.
fn clocks(plan: &Plan) -> CString {
    let path = plan.maps.proc.join("self/ns/time_for_children");
    CString::new(path.into_os_string().into_vec()).unwrap_or_default()
}
