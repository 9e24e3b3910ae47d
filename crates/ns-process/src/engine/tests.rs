//! The engine from within: a child that waits, a thread pointer that leads nowhere, a guard page.
#![allow(unsafe_code, reason = "children, memory and processes made by hand")]

use std::boxed::Box;
use std::ffi::CStr;
use std::format;
use std::fs;
use std::io::pipe;
use std::os::fd::{AsFd, BorrowedFd};
use std::prelude::rust_2024::*;
use std::process::Command;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicI32;
use std::thread;
use std::time::{Duration, Instant};

use ns_fs::{FdPlan, Mount, Stdio};
use ns_sys::child::{SignalSet, is_readable};
use ns_sys::{
    CloneArgs, CloneFlags, Errno, Signal, WaitFlags, WaitStatus, pidfd_send_signal, waitid_pidfd,
};
use ns_testbed::forked;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::child::Child;
use super::go::say;
use super::signals::Blocked;
use super::stack::Stack;
use super::starter::Starter;
use crate::in_child::{
    self, ChildPlan, GO, Ids, Join, Limits, Names, Privileges, Report, Root, Session, Words,
};
use crate::plan::Plan;
use crate::step::Step;
use crate::{BpfInstruction, CapabilitySet, Container, Resource};

/// More than any stack or storage needs.
const SIZE: usize = 1 << 20;

/// Memory that is never unmapped: a child that failed its test may still be on its stack.
fn map(protection: ProtFlags) -> NonNull<u8> {
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), SIZE, protection, MapFlags::PRIVATE) };
    NonNull::new(start.expect("map").cast()).expect("mapped")
}

/// A child with `kinds` that waits for go, if `starter` says who will say it. What else it needs is
/// leaked, as it may outlive its test.
fn child(
    candidates: &'static [&'static CStr],
    kinds: CloneFlags,
    starter: Option<&Starter>,
    tls: Option<NonNull<u8>>,
) -> Child<'static> {
    child_with(candidates, kinds, starter, tls, None)
}

/// As [`child`], with the steps of a plan.
fn child_with<'a>(
    candidates: &'static [&'static CStr],
    kinds: CloneFlags,
    starter: Option<&'a Starter>,
    tls: Option<NonNull<u8>>,
    rich: Option<&'static Plan>,
) -> Child<'static> {
    let fds = rich.map(|plan| plan.streams.open("test", || ()).expect("open").0);
    let fds: Option<&'static FdPlan> = fds.map(|fds| &*Box::leak(Box::new(fds)));
    let words: &Words = Box::leak(Box::new(Words::new(starter.is_some())));
    let none: &[*const _] = Box::leak(Box::new([ptr::null()]));
    let pidfd: &AtomicI32 = Box::leak(Box::new(AtomicI32::new(-1)));
    let plan: &ChildPlan<'a> = Box::leak(Box::new(ChildPlan {
        words,
        starter: starter.map(|starter| starter.watch(false)),
        copied: false,
        guest: None,
        time_namespace: None,
        join: Join::default(),
        waits: starter.is_some(),
        ids: rich.map_or_else(Ids::default, |plan| plan.ids.child()),
        follow: None,
        session: rich.map_or_else(Session::default, |plan| plan.session.child(false)),
        root: rich.map_or_else(Root::default, |plan| plan.root.child()),
        place_fds: fds.map_or(&[], FdPlan::steps),
        close_rest: fds.map_or(&[], FdPlan::ranges),
        names: rich.map_or_else(Names::default, |plan| plan.names.child()),
        limits: rich.map_or_else(Limits::default, |plan| plan.limits.child()),
        privileges: rich.map_or_else(Privileges::default, |plan| {
            plan.privileges.child(plan.namespaces(), None)
        }),
        inherit_ignored: false,
        mask: SignalSet::EMPTY,
        candidates,
        argv: none.as_ptr(),
        envp: none.as_ptr(),
    }));
    let shared = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let mut args = CloneArgs::new(shared | kinds);
    args.pidfd(pidfd).child_tid(&words.child_tid);
    args.stack(map(ProtFlags::READ | ProtFlags::WRITE), SIZE);
    if let Some(tls) = tls {
        args.tls(tls.as_ptr().wrapping_add(SIZE / 2).cast());
    }
    let blocked = Blocked::all();
    // SAFETY: signals are held back, and everything the child uses is never given back.
    let pid = unsafe { in_child::clone(&args, plan) }.expect("clone");
    drop(blocked);
    // SAFETY: clone3 has just stored it.
    unsafe { Child::cloned(pid, pidfd.load(std::sync::atomic::Ordering::Relaxed), words) }
}

fn own_thread() -> Starter {
    Starter::new().expect("starter")
}

fn reap(child: &Child<'_>) -> WaitStatus {
    waitid_pidfd(child.pidfd(), WaitFlags::ALL).expect("wait").expect("without NOHANG")
}

/// Every step, the wait for go included, in a child whose thread pointer leads to memory that nobody
/// may touch.
fn without_tls(candidates: &'static [&'static CStr]) -> (Option<Report>, WaitStatus) {
    // SAFETY: the test bed gives every test one, and nobody closes it.
    let stdin = unsafe { BorrowedFd::borrow_raw(0) };
    let mut all = Container::new("true");
    all.all().mount_proc().hostname("box").domainname("net").loopback().nice(1).umask(0o27);
    all.rlimit(Resource::Nofile, 100, 100).rlimit(Resource::Core, 1, 1).no_new_privs();
    all.drop_capabilities(CapabilitySet::SYS_BOOT).keep_capabilities(CapabilitySet::NET_RAW);
    all.seccomp([BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }]).die_with_parent();
    all.fd(90, Stdio::borrowed(stdin)).workdir("/").mount(Mount::tmpfs("/tmp"));
    all.mount(Mount::bind("/usr", "/usr").recursive().read_only()).new_session(true);
    let rich: &'static Plan = Box::leak(Box::new(all.plan().expect("plan")));
    let kinds = CloneFlags::from(all.get_namespaces());
    let starter = own_thread();
    let unmapped = Some(map(ProtFlags::empty()));
    let child = child_with(candidates, kinds, Some(&starter), unmapped, Some(rich));
    // Longer than a round, so that the look at this thread is among the steps.
    thread::sleep(Duration::from_millis(150));
    say(child.words(), GO);
    child.left_memory(None);
    (child.words().reported(), reap(&child))
}

#[test]
fn no_step_touches_thread_local_storage() {
    ns_testbed::run_as!([Root, User], {
        let (report, status) = without_tls(&[c"/nope", c"/bin/true"]);
        assert_eq!((report, status.code()), (None, Some(0)), "{status:?}");
        let (report, status) = without_tls(&[c"/nope", c"/neither"]);
        let failed = Report { step: Step::Exec, errno: Errno::NOENT, index: 0 };
        assert_eq!((report, status.code()), (Some(failed), Some(127)), "{status:?}");
    });
}

/// A waiting child has every signal blocked and no handler: none of the caller's can run in it.
#[test]
fn f02_a_waiting_child_takes_no_signal() {
    ns_testbed::run_as!([Root, User], {
        let starter = own_thread();
        let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None);
        let read = || fs::read_to_string(format!("/proc/{}/status", child.pid())).expect("read");
        let deadline = Instant::now() + Duration::from_secs(5);
        // The dispositions are its first step.
        while !read().contains("SigIgn:\t0000000000000000\nSigCgt:\t0000000000000000") {
            assert!(Instant::now() < deadline, "{}", read());
        }
        assert!(read().contains("SigBlk:\tfffffffffffbfeff"), "{}", read());
        say(child.words(), GO);
        child.left_memory(None);
        assert_eq!(reap(&child).code(), Some(0));
    });
}

/// A child that is killed while it waits is an error that says so, and is reaped.
#[test]
fn f27_killed_while_it_waits() {
    ns_testbed::run_as!([Root, User], {
        let plan = Container::new("true").plan().expect("plan");
        let starter = own_thread();
        let child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None);
        pidfd_send_signal(child.pidfd(), Signal::KILL).expect("kill");
        child.left_memory(None);
        let error = child.executed(&plan, None, None).expect_err("it never executed");
        assert!(error.to_string().contains("signal 9"), "{error}");
        assert!(child.killed(&plan).is_some());
    });
}

/// Dropped, a child that waits is ended and reaped: the guard of the test bed looks.
#[test]
fn f29_a_dropped_child_is_ended() {
    ns_testbed::run_as!([Root, User], {
        let starter = own_thread();
        drop(child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None));
    });
}

/// A thread that ends without a word leaves no child that waits for it.
#[test]
fn f34_the_starting_thread_ends() {
    ns_testbed::run_as!([Root, User], {
        let waiting = thread::spawn(|| {
            // The child has a descriptor of its own by the time this one is closed.
            let starter = own_thread();
            child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None)
        });
        let child = waiting.join().expect("join");
        assert!(leaves_within(Duration::from_secs(1), || is_readable(child.pidfd())));
        assert_eq!(reap(&child).code(), Some(126));
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
            let starter = own_thread();
            let _child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None);
            thread::spawn(|| {
                use std::os::unix::process::CommandExt;
                Command::new("sleep").arg("1000").exec()
            });
            loop {
                thread::park();
            }
        }
        drop(writer);
        let left = leaves_within(Duration::from_secs(2), || is_readable(reader.as_fd()));
        // SAFETY: the fork above.
        unsafe { libc::kill(leader, libc::SIGKILL) };
        // SAFETY: writes nothing.
        unsafe { libc::waitpid(leader, ptr::null_mut(), 0) };
        assert!(left, "the child waits for a thread that is gone");
    });
}

fn leaves_within(limit: Duration, left: impl Fn() -> Result<bool, Errno>) -> bool {
    let deadline = Instant::now() + limit;
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
