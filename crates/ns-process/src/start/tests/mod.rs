//! The engine from within: a child that waits, a thread pointer that leads nowhere, a guard page.
#![allow(unsafe_code, reason = "children, memory and processes made by hand")]

mod own_memory;
mod thread_local;
mod unseen_child;

use std::boxed::Box;
use std::ffi::CStr;
use std::format;
use std::fs;
use std::io::pipe;
use std::os::fd::AsFd;
use std::prelude::rust_2024::*;
use std::process::Command;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::AtomicI32;
use std::thread;
use std::time::{Duration, Instant};

use ns_fs::FdPlan;
use ns_sys::child::{SignalSet, is_readable};
use ns_sys::{
    CloneArgs, CloneFlags, Errno, NamespaceFlags, Signal, WaitFlags, WaitStatus, pidfd_send_signal,
    waitid_pidfd,
};
use ns_testbed::{LONG, forked};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::child::Child;
use super::child_resources::ChildResources;
use super::init::InitProcess;
use super::parent::ParentThread;
use super::prepare::PreparedStart;
use super::release::signal;
use super::shared::SharedState;
use super::signals::Blocked;
use super::stack::Stack;
use crate::Container;
use crate::in_child::{
    self, ChildPlan, Dispositions, GO, Ids, Join, Limits, Names, Privileges, Root, Session,
};
use crate::plan::Plan;
use crate::target::OpenTarget;

/// More than any stack or storage needs.
const SIZE: usize = 1 << 20;

/// Memory that is never unmapped: a child that failed its test may still be on its stack.
fn map(protection: ProtFlags) -> NonNull<u8> {
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), SIZE, protection, MapFlags::PRIVATE) };
    NonNull::new(start.expect("map").cast()).expect("mapped")
}

fn leak<'a, T: 'a>(value: T) -> &'a T {
    Box::leak(Box::new(value))
}

/// What a start of `true` prepares.
fn new_resources() -> ChildResources {
    let plan = Arc::new(Container::new("true").plan().expect("plan"));
    let joined = Arc::new(OpenTarget::open(plan.spec(), None).expect("open"));
    ChildResources::new(PreparedStart::new(&plan, &joined, None).expect("ready"))
}

/// The same, never given back.
fn resources() -> &'static ChildResources {
    leak(new_resources())
}

/// A child with `kinds` that waits for go, if `parent` says who will say it. What else it needs is
/// leaked, as it may outlive its test.
fn child(
    candidates: &'static [&'static CStr],
    kinds: CloneFlags,
    parent: Option<&ParentThread>,
    tls: Option<NonNull<u8>>,
) -> Child<'static> {
    child_with(candidates, kinds, parent, tls, None)
}

/// As [`child`], with the steps of a plan.
fn child_with<'a>(
    candidates: &'static [&'static CStr],
    kinds: CloneFlags,
    parent: Option<&'a ParentThread>,
    tls: Option<NonNull<u8>>,
    rich: Option<&'static Plan>,
) -> Child<'static> {
    let fds = rich.map(|plan| plan.streams.open("test", || ()).expect("open").0);
    let fds: Option<&'static FdPlan> = fds.map(leak);
    let shared: &SharedState = leak(SharedState::new(parent.is_some()));
    let resources = resources();
    let handshake = &shared.child;
    let none: &[*const _] = leak([ptr::null()]);
    let pidfd: &AtomicI32 = leak(AtomicI32::new(-1));
    let whole = ChildPlan {
        handshake,
        exec_lock: None,
        exec_name: None,
        dumpable: None,
        dumpable_at_release: None,
        parent: parent.map(|parent| parent.watch(false)),
        copied: false,
        child_code: None,
        is_under_init: false,
        makes: NamespaceFlags::empty(),
        time_namespace: None,
        join: Join::default(),
        init: None,
        waits_for_release: parent.is_some(),
        ids: rich.map_or_else(Ids::default, |plan| plan.ids.child()),
        from_target: None,
        early_label: None,
        session: rich.map_or_else(Session::default, |plan| plan.session.child(false)),
        root: rich.map_or_else(Root::default, |plan| plan.root.child()),
        place_fds: fds.map_or(&[], FdPlan::steps),
        close_rest: fds.map_or(&[], FdPlan::ranges),
        names: rich.map_or_else(Names::default, |plan| plan.names.child()),
        limits: rich.map_or_else(Limits::default, |plan| plan.limits.child()),
        privileges: rich.map_or_else(Privileges::default, |plan| {
            plan.privileges.child(plan.namespaces(), None)
        }),
        dispositions: Dispositions::All,
        mask: SignalSet::EMPTY,
        candidates,
        argv: none.as_ptr(),
        envp: none.as_ptr(),
    };
    let init_process =
        rich.and_then(|plan| InitProcess::open(plan).expect("open").map(|it| (plan, leak(it))));
    let plan: &ChildPlan<'a> = leak(match init_process {
        None => whole,
        Some((plan, init_process)) => {
            let args = leak(init_process.args(plan, shared));
            let program = leak(InitProcess::program(&whole, shared, None));
            init_process.pid_one(&whole, program, args, shared, leak(init_process.ranges(None)))
        }
    });
    let shared = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let mut args = CloneArgs::new(shared | kinds);
    args.pidfd(pidfd).child_tid(&handshake.child_tid);
    args.stack(map(ProtFlags::READ | ProtFlags::WRITE), SIZE);
    if let Some(tls) = tls {
        args.tls(tls.as_ptr().wrapping_add(SIZE / 2).cast());
    }
    let blocked = Blocked::all();
    // SAFETY: signals are held back, and everything the child uses is never given back.
    let pid = unsafe { in_child::clone(&args, plan) }.expect("clone");
    drop(blocked);
    // SAFETY: clone3 has just stored it.
    unsafe {
        Child::cloned(pid, pidfd.load(std::sync::atomic::Ordering::Relaxed), handshake, resources)
    }
}

fn own_thread() -> ParentThread {
    ParentThread::new().expect("starter")
}

fn reap(child: &Child<'_>) -> WaitStatus {
    waitid_pidfd(child.pidfd(), WaitFlags::ALL).expect("wait").expect("without NOHANG")
}

/// A waiting child has every signal blocked and no handler: none of the caller's can run in it.
#[test]
fn f02_a_waiting_child_takes_no_signal() {
    ns_testbed::run_as!([Root, User], {
        let parent = own_thread();
        let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
        let read = || fs::read_to_string(format!("/proc/{}/status", child.pid())).expect("read");
        let deadline = Instant::now() + LONG;
        // The dispositions are its first step.
        while !read().contains("SigIgn:\t0000000000000000\nSigCgt:\t0000000000000000") {
            assert!(Instant::now() < deadline, "{}", read());
        }
        assert!(read().contains("SigBlk:\tfffffffffffbfeff"), "{}", read());
        signal(child.handshake(), GO);
        child.left_memory(None).expect("no lock");
        assert_eq!(reap(&child).code(), Some(0));
    });
}

/// A child that is killed while it waits is an error that says so, and is reaped.
#[test]
fn f27_killed_while_it_waits() {
    ns_testbed::run_as!([Root, User], {
        let plan = Container::new("true").plan().expect("plan");
        let parent = own_thread();
        let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
        pidfd_send_signal(child.pidfd(), Signal::KILL).expect("kill");
        child.left_memory(None).expect("no lock");
        let error = child.executed(&plan, None).expect_err("it never executed");
        assert!(error.to_string().contains("signal 9"), "{error}");
        assert!(child.killed(&plan).is_some());
    });
}

/// Dropped, a child that waits is ended and reaped: the guard of the test bed looks.
#[test]
fn f29_a_dropped_child_is_ended() {
    ns_testbed::run_as!([Root, User], {
        let parent = own_thread();
        drop(child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None));
    });
}

/// A thread that ends without a word leaves no child that waits for it.
#[test]
fn f34_the_starting_thread_ends() {
    ns_testbed::run_as!([Root, User], {
        let waiting = thread::spawn(|| {
            // The child has a descriptor of its own by the time this one is closed.
            let parent = own_thread();
            let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
            // It must not be ended.
            child.into_pidfd().1
        });
        let pidfd = waiting.join().expect("join");
        assert!(leaves(|| is_readable(pidfd.as_fd())));
        let ended = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("without NOHANG");
        assert_eq!(ended.code(), Some(126));
    });
}

/// The thread that leads the process starts, another one executes a program: the leader's descriptor
/// goes on with that program, and its word alone tells.
#[test]
fn f34_another_thread_executes() {
    ns_testbed::run_as!([Root, User], {
        if cfg!(target_env = "musl") {
            ns_testbed::skip!(
                "musl gives the kernel another word, so that only the descriptor tells"
            );
        }
        let (reader, writer) = pipe().expect("pipe");
        // SAFETY: libc's fork repairs libc's own state; the child becomes another program.
        let leader = unsafe { libc::fork() };
        if leader == 0 {
            // Its copy of the pipe is all that the waiting child has in common with the test.
            let parent = own_thread();
            let _child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
            thread::spawn(|| {
                use std::os::unix::process::CommandExt;
                Command::new("sleep").arg("1000").exec()
            });
            loop {
                thread::park();
            }
        }
        drop(writer);
        let left = leaves(|| is_readable(reader.as_fd()));
        // SAFETY: the fork above.
        unsafe { libc::kill(leader, libc::SIGKILL) };
        // SAFETY: writes nothing.
        unsafe { libc::waitpid(leader, ptr::null_mut(), 0) };
        assert!(left, "the child waits for a thread that is gone");
    });
}

fn leaves(left: impl Fn() -> Result<bool, Errno>) -> bool {
    let deadline = Instant::now() + LONG;
    while left() != Ok(true) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    left() == Ok(true)
}

/// Below the stack lies memory that nobody may touch.
#[test]
fn a_stack_has_a_guard() {
    ns_testbed::run_as!([User], {
        let stack = Stack::take().expect("stack");
        let touch = |offset: isize| {
            forked(|| {
                // SAFETY: inside the mapping; below the stack it faults, which is the test.
                let byte = unsafe { stack.lowest().offset(offset) };
                // SAFETY: as above, and nobody else uses it.
                unsafe { byte.write_volatile(1) };
                0
            })
        };
        assert_eq!(touch(0), 0);
        assert_eq!(touch(-1), 128 + libc::SIGSEGV);
    });
}

#[test]
fn a_number_as_an_argument() {
    for number in [0, 7, 10, 999, 32_768, 4_194_304, u32::MAX] {
        let text = in_child::Decimal::new(number);
        assert_eq!(text.as_c_str().to_str(), Ok(format!("{number}").as_str()));
    }
}
