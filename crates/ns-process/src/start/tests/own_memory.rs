//! A start waits until the child has left the memory, even if its lock ends earlier.

use std::path::Path;
use std::prelude::rust_2024::*;
use std::process;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ns_fs::{Descriptors, FdPlan};
use ns_sys::{CloneFlags, pidfd_open};
use ns_testbed::{LONG, forked};

use super::{becomes_true, child, current_thread, leak, reap, resources};
use crate::Container;
use crate::in_child::GO;
use crate::start::child::Child;
use crate::start::exec_lock::ExecLock;
use crate::start::exec_name::ExecName;

/// Simulates a kernel that closes descriptors first and is slow to switch the memory: the child has
/// announced that it leaves, and its lock is free.
fn check_wait_without_lock(proc: &'static Path) {
    let parent = current_thread();
    let mut child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
    let none = FdPlan::new(&Descriptors::new()).expect("a plan");
    let lock: &ExecLock = leak(ExecLock::new(&none).expect("a file"));
    child.locks = [Some(lock.child()), None];
    let mut plan = Container::new("true");
    let plan = plan.proc(proc).plan().expect("plan");
    let name = leak(ExecName::of(child.pid()));
    child.comm = Some(child.open_comm(&plan, name));
    let handshake = child.handshake();
    handshake.set_locked();
    handshake.child_tid.store(0, Ordering::Release);
    let soon = Instant::now() + Duration::from_millis(50);
    assert_eq!(
        child.wait_left_memory(Some(soon)),
        Ok(false),
        "the child is still in the caller's memory"
    );
    handshake.signal(GO);
    assert_eq!(child.wait_left_memory(Some(Instant::now() + LONG)), Ok(true));
    assert_eq!(reap(&child).code(), Some(0));
}

#[test]
fn c19_name_shows_that_memory_is_left() {
    ns_testbed::run_as!([Root, User], { check_wait_without_lock(Path::new("/proc")) });
}

#[test]
fn c19_without_proc_kcmp_compares_the_memory() {
    ns_testbed::run_as!([Root, User], { check_wait_without_lock(Path::new("/nowhere")) });
}

/// The calling process stands in for the init: its only child is the program.
fn check_wait_for_program_under_init() {
    let parent = current_thread();
    let program = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
    let (pid, proc, name) = (process::id(), Path::new("/proc"), ExecName::of(program.pid()));
    let plan = Container::new("true").plan().expect("plan");
    let comm = program.open_comm(&plan, &name);
    let pidfd = pidfd_open(pid).expect("pidfd_open");
    let init = Child::new(pid, pidfd, program.handshake(), resources());
    assert!(!init.has_program_own_memory(proc, &comm), "the child is still in the caller's memory");
    program.handshake().signal(GO);
    program.wait_left_memory(None).expect("no lock");
    assert!(becomes_true(|| Ok(init.has_program_own_memory(proc, &comm))));
    assert_eq!(reap(&program).code(), Some(0));
    // Dropping `init` would kill this process.
    let _ = init.into_pidfd();
}

#[test]
fn c19_name_shows_that_a_program_under_init_left_memory() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            check_wait_for_program_under_init();
            0
        });
        assert_eq!(code, 0);
    });
}
