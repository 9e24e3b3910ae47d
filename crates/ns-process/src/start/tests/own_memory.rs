//! It is seen that the memory is left: a lock may end before.

use std::path::Path;
use std::prelude::rust_2024::*;
use std::process;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ns_fs::{Descriptors, FdPlan};
use ns_sys::{CloneFlags, pidfd_open};
use ns_testbed::{LONG, forked};

use super::{child, leak, leaves, own_thread, reap, resources};
use crate::Container;
use crate::in_child::GO;
use crate::start::child::Child;
use crate::start::exec_lock::ExecLock;
use crate::start::exec_name::{ExecName, Named};
use crate::start::release::signal;

/// As a kernel that closes descriptors first, and is slow to switch the memory: the child has announced that it
/// leaves, and the lock is free.
fn is_waited_for_without_its_lock(proc: &'static Path) {
    let parent = own_thread();
    let mut child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
    let none = FdPlan::new(&Descriptors::new()).expect("a plan");
    let lock: &ExecLock = leak(ExecLock::new(&none).expect("a file"));
    child.locks = [Some(lock.child()), None];
    let mut plan = Container::new("true");
    let plan = plan.proc(proc).plan().expect("plan");
    let name = leak(ExecName::of(child.pid()));
    child.named = Some(Named::new(&plan, &child, name));
    let handshake = child.handshake();
    handshake.set_locked();
    handshake.child_tid.store(0, Ordering::Release);
    let soon = Instant::now() + Duration::from_millis(50);
    assert_eq!(child.left_memory(Some(soon)), Ok(false), "it is in this memory");
    signal(handshake, GO);
    assert_eq!(child.left_memory(Some(Instant::now() + LONG)), Ok(true));
    assert_eq!(reap(&child).code(), Some(0));
}

#[test]
fn c19_the_name_tells() {
    ns_testbed::run_as!([Root, User], { is_waited_for_without_its_lock(Path::new("/proc")) });
}

#[test]
fn c19_without_a_proc_the_kernel_compares_the_memory() {
    ns_testbed::run_as!([Root, User], { is_waited_for_without_its_lock(Path::new("/nowhere")) });
}

/// The calling process, whose only child is the program, takes the place of the init.
fn is_waited_for_beside_an_init() {
    let parent = own_thread();
    let program = child(&[c"/bin/true"], CloneFlags::empty(), Some(&parent), None);
    let (own, proc, name) = (process::id(), Path::new("/proc"), ExecName::of(program.pid()));
    let plan = Container::new("true").plan().expect("plan");
    let named = Named::new(&plan, &program, &name);
    let pidfd = pidfd_open(own).expect("pidfd_open");
    let init = Child::new(own, pidfd, program.handshake(), resources());
    assert!(!init.has_program_own_memory(proc, &named), "it is in this memory");
    signal(program.handshake(), GO);
    program.left_memory(None).expect("no lock");
    assert!(leaves(|| Ok(init.has_program_own_memory(proc, &named))));
    assert_eq!(reap(&program).code(), Some(0));
    // Dropped, it would be ended.
    let _ = init.into_pidfd();
}

#[test]
fn c19_the_name_of_the_program_beside_an_init_tells() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            is_waited_for_beside_an_init();
            0
        });
        assert_eq!(code, 0);
    });
}
