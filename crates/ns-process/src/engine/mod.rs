//! How a start goes: the caller's side.
//!
//! No fork for a program: the child runs in the caller's memory, on a stack of its own, until it executes the
//! program. The caller waits for that on a word that the kernel clears, and the kernel says whether
//! the program was really executed.
#![allow(unsafe_code, reason = "the call into the fence")]

mod across_fork;
mod board;
mod child;
mod dumpable;
mod executed_apart;
mod folder;
mod forked;
mod go;
mod guest;
pub(crate) mod init;
mod maps;
mod middle;
mod pipes;
mod report;
mod signals;
mod stack;
mod starter;
#[cfg(test)]
mod tests;
mod text;
mod threads;
mod time;
mod untraced;

use std::ffi::{CStr, CString};
use std::format;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::prelude::rust_2024::*;
use std::sync::atomic::AtomicI32;
use std::time::Instant;

use ns_sys::child::SignalSet;
use ns_sys::{CloneArgs, CloneFlags, Errno, NamespaceFlags};

use crate::builder::Memory;
use crate::error::Error;
use crate::hint;
use crate::in_child::{self, ChildPlan, Guest, Join, Privileges, Words};
use crate::joined::Joined;
use crate::plan::{Plan, Program};
use crate::process::{self, Process, Tie};
use crate::step::Step;
use board::{Board, Place};
use child::Child;
use executed_apart::Stat;
use forked::Fork;
use guest::Visitor;
use init::Beside;
use middle::Way;
use pipes::Opened;
use signals::Blocked;
use stack::Stack;
use starter::Starter;
use untraced::Untraced;

pub(crate) use threads::refuse_threads;

/// Starts what `plan` says. On an error nothing is left behind.
pub(crate) fn start(plan: &Plan) -> Result<Process, Error> {
    process::sweep();
    let joined = Joined::open(plan.request())?;
    start_in(plan, &joined).map_err(|error| joined.explained(plan.request(), error))
}

fn start_in(plan: &Plan, joined: &Joined) -> Result<Process, Error> {
    let mut fds = Opened::new(plan)?;
    let starter = plan.watches_parent().then(|| Starter::new()?.apart(&fds)).transpose();
    let starter = starter.map_err(prepare(plan, "a descriptor of the calling thread"))?;
    let stack = Stack::take().map_err(prepare(plan, "a stack"))?;
    let beside = Beside::open(plan)?;
    let forks = plan.forks();
    let copied =
        forks || plan.memory == Memory::Copied || joined.kinds().contains(NamespaceFlags::TIME);
    let place = Place::new(plan.needs_go(), copied).map_err(prepare(plan, "a page"))?;
    let board: &Board = &place;
    let deadline = plan.lifetime.start_timeout.and_then(|limit| Instant::now().checked_add(limit));
    let mut untraced = Untraced::before_clone(plan)?;
    let program = plan.work.program();
    let candidates: Vec<&CStr> = program.iter().flat_map(|program| program.candidates()).collect();
    let argv = program.map_or_else(Vec::new, Program::argv);
    let envp = plan.work.envp();
    let own = starter.as_ref().and_then(Starter::number).into_iter().chain(joined.opened());
    let visitor = forks.then(|| Visitor::new(plan, &board.said, &fds, own, &envp));
    let clocks = plan.makes_time().then(|| clocks(plan));
    let files = joined.borrowed_files();
    let join = joined.child(&files);
    let between = copied || plan.daemon.is_some() || is_entered_first(plan, joined);
    let privileges = plan.privileges.child(joined.kinds(), joined.limited());
    let enters_mounts = joined.kinds().contains(NamespaceFlags::MNT);
    let whole = ChildPlan {
        words: &board.child,
        starter: starter.as_ref().map(|starter| starter.watch(copied)),
        copied,
        waits: plan.needs_go(),
        guest: visitor.as_ref().map(|visitor| visitor as &dyn Guest),
        time_namespace: clocks.as_deref(),
        join: if between { Join::default() } else { join },
        early_label: privileges.label.filter(|_| enters_mounts),
        init: None,
        ids: joined.ids(plan.ids.child(), plan.ids.asks_for_groups()),
        session: plan.session.child(fds.has_terminal()),
        follow: joined.follow(),
        root: plan.root.child(),
        place_fds: fds.steps(),
        close_rest: fds.ranges(),
        names: plan.names.child(),
        limits: plan.limits.child(),
        privileges: Privileges { label: privileges.label.filter(|_| !enters_mounts), ..privileges },
        inherit_ignored: plan.session.inherit_ignored || program.is_none(),
        mask: SignalSet::EMPTY,
        candidates: &candidates,
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
    };
    let (args, beside_init);
    let child_plan = match &beside {
        None => whole,
        Some(beside) => {
            args = beside.args(plan, board);
            beside_init = Beside::program(&whole, board);
            beside.pid_one(&whole, &beside_init, &args, board)
        }
    };
    let child = if let (Some(starter), Some(visitor)) = (&starter, &visitor) {
        let fork = Fork { board, starter, visitor, deadline };
        forked::clone(plan, join, fork, &child_plan)?
    } else if plan.is_reparented() {
        middle::daemon(
            Way { plan, join, board, stack: &stack, child: &child_plan, deadline },
            |child| {
                joined.move_to_cgroups(plan.request(), child.pid())?;
                child.let_go(plan, &mut untraced, deadline)
            },
        )?
    } else if between {
        middle::clone(Way { plan, join, board, stack: &stack, child: &child_plan, deadline })?
    } else {
        clone(plan, &board.child, &stack, &child_plan)?
    };
    let child = if beside.is_some() { child.beside(&board.program) } else { child };
    let stat = (forks && program.is_some()).then(|| Stat::of(plan, &child));
    if !plan.is_reparented() {
        joined.move_to_cgroups(plan.request(), child.pid())?;
        child.let_go(plan, &mut untraced, deadline)?;
    }
    if !child.left_memory(deadline) {
        return Err(too_slow(plan, child.pid()));
    }
    drop(untraced);
    board.executed(plan)?;
    child.executed(plan, stat.as_ref(), deadline).map_err(|error| match board.said.read() {
        Some(said) if error.step().is_hook() => error.with_object(said),
        _ => error,
    })?;
    let process = handle(plan, child.into_pidfd())
        .with_pipes([0, 1, 2].map(|number| fds.take_pipe(number)))
        .with_init(beside.map(Beside::into_status));
    stack.keep();
    Ok(process)
}

/// Whether another process enters the namespaces and makes the child in there.
fn is_entered_first(plan: &Plan, joined: &Joined) -> bool {
    let kinds = joined.kinds();
    kinds.contains(NamespaceFlags::PID) || !kinds.is_empty() && !plan.namespaces().is_empty()
}

fn handle(plan: &Plan, executed: (u32, OwnedFd)) -> Process {
    let tie = Tie {
        kill_on_drop: plan.lifetime.kill_on_drop,
        reap_on_drop: plan.join.target.is_some() && plan.daemon.is_none(),
        is_sibling: plan.flags.contains(CloneFlags::PARENT) || plan.is_reparented(),
    };
    Process::new(plan.name.clone(), executed, tie)
}

/// The file by which a child enters the time namespace that it made; a NUL in the path of proc was
/// refused by the plan.
fn clocks(plan: &Plan) -> CString {
    let path = plan.maps.proc.join("self/ns/time_for_children");
    CString::new(path.into_os_string().into_vec()).unwrap_or_default()
}

/// The error of a preparation that failed.
fn prepare(plan: &Plan, object: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| {
        let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
        error.with_object(object).with_hint(hint::for_descriptors(errno))
    }
}

fn clone<'a>(
    plan: &Plan,
    words: &'a Words,
    stack: &'a Stack,
    child_plan: &'a ChildPlan<'a>,
) -> Result<Child<'a>, Error> {
    let pidfd = AtomicI32::new(-1);
    let mut args = CloneArgs::new(plan.flags);
    args.pidfd(&pidfd).child_tid(&words.child_tid).stack(stack.lowest(), Stack::SIZE);
    if let Some(cgroup) = &plan.cgroup {
        args.cgroup(cgroup.as_fd());
    }
    let blocked = Blocked::all();
    // SAFETY: signals are held back; `start` drops its `Child`, which waits until the child has left,
    // before stack, words, plan and arrays, and `Program` ends the arrays with null.
    let cloned = unsafe { in_child::clone(&args, child_plan) };
    drop(blocked);
    let pid = cloned.map_err(|errno| refused(plan, errno))?;
    // SAFETY: clone3 has just stored it.
    Ok(unsafe { Child::cloned(pid, pidfd.into_inner(), words) })
}

fn too_slow(plan: &Plan, pid: u32) -> Error {
    Error::new(&plan.name, Step::StartTimeout)
        .with_errno(Errno::TIMEDOUT)
        .with_object(format!("process {pid}"))
        .with_hint(Some("somebody stopped it before it executed, or its program is slow to load"))
}

fn refused(plan: &Plan, errno: Errno) -> Error {
    let kinds = plan.namespaces();
    let object = if kinds.is_empty() { "a process".to_owned() } else { kinds.to_string() };
    let hint = hint::for_clone(errno, kinds);
    Error::new(&plan.name, Step::Clone).with_errno(errno).with_object(object).with_hint(hint)
}
