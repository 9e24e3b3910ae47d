//! Unit tests of a start: a waiting child, an invalid thread pointer, a guard page.
#![allow(unsafe_code, reason = "makes children, memory and processes directly")]

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

use super::attempt::{Attempt, CopyMode};
use super::child::Child;
use super::child_resources::ChildResources;
use super::init::InitProcess;
use super::parent::ParentThread;
use super::shared::SharedState;
use super::signals::Blocked;
use super::stack::Stack;
use crate::Container;
use crate::in_child::{
    self, ChildPlan, Dispositions, GO, Ids, Join, Limits, Names, Paths, Privileges, Root,
    Scheduling, Session, Sysctls, Waits,
};
use crate::plan::Plan;
use crate::settings::Keyring;
use crate::target::OpenTarget;

/// More than any stack or thread-local storage needs.
const SIZE: usize = 1 << 20;

/// Maps memory that is never unmapped: a child that failed its test may still use it as its stack.
fn map(protection: ProtFlags) -> NonNull<u8> {
    // SAFETY: a new mapping at an address that the kernel chooses overlaps no other memory.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), SIZE, protection, MapFlags::PRIVATE) };
    NonNull::new(start.expect("map").cast()).expect("mapped")
}

fn leak<'a, T: 'a>(value: T) -> &'a T {
    Box::leak(Box::new(value))
}

/// The resources of a start of `true`.
fn new_resources() -> ChildResources {
    let plan = Arc::new(Container::new("true").plan().expect("plan"));
    let joined = Arc::new(OpenTarget::open(plan.spec(), None).expect("open"));
    let attempt = Attempt::new(&plan, &joined, CopyMode::IfNeeded, None);
    ChildResources::new(attempt.expect("prepare"))
}

/// The same resources, never freed.
fn resources() -> &'static ChildResources {
    leak(new_resources())
}

/// Makes a child with `kinds`. If `parent` is given, the child waits until that thread releases it.
/// Everything else that the child needs is leaked, because it may outlive its test.
fn child(
    candidates: &'static [&'static CStr],
    kinds: CloneFlags,
    parent: Option<&ParentThread>,
    tls: Option<NonNull<u8>>,
) -> Child<'static> {
    child_with(candidates, kinds, parent, tls, None)
}

/// Makes a child like [`child`], with the steps of a plan.
fn child_with<'a>(
    candidates: &'static [&'static CStr],
    kinds: CloneFlags,
    parent: Option<&'a ParentThread>,
    tls: Option<NonNull<u8>>,
    full_plan: Option<&'static Plan>,
) -> Child<'static> {
    let fds =
        full_plan.map(|plan| FdPlan::new_locked(&plan.streams.descriptors, || ()).expect("open").0);
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
        oom_score_adj: None,
        cgroup_tasks: &[],
        dumpable: None,
        dumpable_at_release: None,
        parent: parent.map(|parent| parent.watch(false)),
        copied: false,
        child_code: None,
        is_under_init: false,
        makes: NamespaceFlags::empty(),
        makes_again: NamespaceFlags::empty(),
        makes_after_move: NamespaceFlags::empty(),
        time_namespace: None,
        join: Join::default(),
        init: None,
        waits: Waits { for_release: parent.is_some(), before_pivot: false },
        ids: full_plan.map_or_else(Ids::default, |plan| plan.ids.child()),
        from_target: None,
        early_label: None,
        session: full_plan.map_or_else(Session::default, |plan| plan.session.child(false, None)),
        root: full_plan.map_or_else(Root::default, |plan| plan.root.child(None)),
        console: None,
        place_fds: fds.map_or(&[], FdPlan::steps),
        close_rest: fds.map_or(&[], FdPlan::ranges),
        names: full_plan.map_or_else(Names::default, |plan| plan.names.child()),
        sysctls: Sysctls::default(),
        keyring: full_plan.and_then(|plan| plan.keyring.as_ref()).map(Keyring::child),
        scheduling: full_plan.map_or_else(Scheduling::default, |plan| plan.scheduling.child()),
        limits: full_plan.map_or_else(Limits::default, |plan| plan.limits.child()),
        privileges: full_plan.map_or_else(Privileges::default, |plan| {
            plan.privileges.child(plan.namespaces(), None)
        }),
        dispositions: Dispositions::All,
        mask: SignalSet::EMPTY,
        program_fd: None,
        paths: Paths::Several(candidates),
        argv: none.as_ptr(),
        envp: none.as_ptr(),
    };
    let init_process = full_plan
        .and_then(|plan| InitProcess::open(plan).expect("open").map(|init| (plan, leak(init))));
    let plan: &ChildPlan<'a> = leak(match init_process {
        None => whole,
        Some((plan, init_process)) => {
            let args = leak(init_process.args(plan, shared));
            let program = leak(InitProcess::program(&whole, shared, None));
            init_process.pid_one(
                plan,
                &whole,
                program,
                args,
                shared,
                leak(init_process.ranges(None)),
            )
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
    // SAFETY: `Blocked` blocks all signals, and everything that the child uses is leaked. The
    // arrays end with null.
    let pid = unsafe { in_child::clone(&args, plan) }.expect("clone");
    drop(blocked);
    // SAFETY: clone3 has succeeded, so it has stored an open pidfd, which no other value owns.
    unsafe {
        Child::cloned(pid, pidfd.load(std::sync::atomic::Ordering::Relaxed), handshake, resources)
    }
}

fn current_thread() -> ParentThread {
    ParentThread::new().expect("open the thread")
}

fn reap(child: &Child<'_>) -> WaitStatus {
    waitid_pidfd(child.pidfd(), WaitFlags::ALL).expect("wait").expect("without NOHANG")
}

/// A waiting child has every signal blocked and no handler: no handler of the caller can run in it.
#[test]
fn f02_waiting_child_has_no_signal_handler() {
    ns_testbed::run_as!([Root, User], {
        let parent = current_thread();
        let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
        let read = || fs::read_to_string(format!("/proc/{}/status", child.pid())).expect("read");
        let deadline = Instant::now() + LONG;
        // The child resets its signal dispositions first.
        while !read().contains("SigIgn:\t0000000000000000\nSigCgt:\t0000000000000000") {
            assert!(Instant::now() < deadline, "{}", read());
        }
        assert!(read().contains("SigBlk:\tfffffffffffbfeff"), "{}", read());
        child.handshake().signal(GO);
        child.wait_left_memory(None).expect("no lock");
        assert_eq!(reap(&child).code(), Some(0));
    });
}

/// If a child is killed while it waits, the error names the signal, and the child is reaped.
#[test]
fn f27_child_killed_while_waiting_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let plan = Container::new("true").plan().expect("plan");
        let parent = current_thread();
        let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
        pidfd_send_signal(child.pidfd(), Signal::KILL).expect("kill");
        child.wait_left_memory(None).expect("no lock");
        let error = child.executed(&plan, None).expect_err("the child never executed");
        assert!(error.to_string().contains("signal 9"), "{error}");
        assert!(child.killed(&plan).is_some());
    });
}

/// A waiting child that is dropped is killed and reaped. The testbed checks for remaining children.
#[test]
fn f29_dropped_child_is_killed_and_reaped() {
    ns_testbed::run_as!([Root, User], {
        let parent = current_thread();
        drop(child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None));
    });
}

/// If the starting thread exits without a signal to the child, the child exits too.
#[test]
fn f34_child_exits_if_the_starting_thread_exits() {
    ns_testbed::run_as!([Root, User], {
        let waiting = thread::spawn(|| {
            // The child has its own copy of the pidfd by the time this one is closed.
            let parent = current_thread();
            let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
            // `into_pidfd` keeps the child from being killed.
            child.into_pidfd().1
        });
        let pidfd = waiting.join().expect("join");
        assert!(becomes_true(|| is_readable(pidfd.as_fd())));
        let status = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("without NOHANG");
        assert_eq!(status.code(), Some(126));
    });
}

/// The main thread makes a child, and another thread executes a program: the pidfd of the main
/// thread passes to that program, and only the word shows that the thread has exited.
#[test]
fn f34_child_exits_if_another_thread_executes() {
    ns_testbed::run_as!([Root, User], {
        if cfg!(target_env = "musl") {
            ns_testbed::skip!("musl registers a different word, so only the pidfd shows the exit");
        }
        let (reader, writer) = pipe().expect("pipe");
        // SAFETY: libc's fork keeps libc usable in the child, which then executes another program.
        let leader = unsafe { libc::fork() };
        if leader == 0 {
            // The waiting child shares only the pipe with the test.
            let parent = current_thread();
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
        let left = becomes_true(|| is_readable(reader.as_fd()));
        // SAFETY: this only sends a signal to the process that fork returned.
        unsafe { libc::kill(leader, libc::SIGKILL) };
        // SAFETY: the status pointer is null, so nothing is written.
        unsafe { libc::waitpid(leader, ptr::null_mut(), 0) };
        assert!(left, "the child waits for a thread that has exited");
    });
}

fn becomes_true(check: impl Fn() -> Result<bool, Errno>) -> bool {
    let deadline = Instant::now() + LONG;
    while check() != Ok(true) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    check() == Ok(true)
}

/// The memory below the stack is inaccessible.
#[test]
fn stack_has_a_guard() {
    ns_testbed::run_as!([User], {
        let stack = Stack::take().expect("stack");
        let touch = |offset: isize| {
            forked(|| {
                // SAFETY: the address is inside the mapping of the stack or its guard.
                let byte = unsafe { stack.lowest().offset(offset) };
                // SAFETY: no other code uses the byte. A write to the guard raises SIGSEGV in the
                // forked process, which is expected.
                unsafe { byte.write_volatile(1) };
                0
            })
        };
        assert_eq!(touch(0), 0);
        assert_eq!(touch(-1), 128 + libc::SIGSEGV);
    });
}

#[test]
fn decimal_formats_every_length() {
    for number in [0, 7, 10, 999, 32_768, 4_194_304, u32::MAX] {
        let text = in_child::Decimal::new(number);
        assert_eq!(text.as_c_str().to_str(), Ok(format!("{number}").as_str()));
    }
}
