//! The memory itself is compared: a lock may end before.

use std::path::Path;
use std::prelude::rust_2024::*;
use std::process;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ns_fs::{Descriptors, FdPlan};
use ns_sys::{CloneFlags, Errno, pidfd_open};
use ns_testbed::{LONG, forked, refuse};

use super::{child, ground, leak, own_thread, reap};
use crate::engine::child::Child;
use crate::engine::exec_lock::ExecLock;
use crate::engine::go::say;
use crate::in_child::GO;

/// As a kernel that closes descriptors first, and is slow to switch the memory: the child has announced that it
/// leaves, and nobody holds the lock.
fn is_waited_for_without_its_lock() {
    let starter = own_thread();
    let mut child = child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None);
    let none = FdPlan::new(&Descriptors::new()).expect("a plan");
    let lock: &ExecLock = leak(ExecLock::new(&none).expect("a file"));
    child.locks = [Some(lock.child()), None];
    let words = child.words();
    words.set_locked();
    words.child_tid.store(0, Ordering::Release);
    let soon = Instant::now() + Duration::from_millis(50);
    assert_eq!(child.left_memory(Some(soon)), Ok(false), "it is in this memory");
    say(words, GO);
    assert_eq!(child.left_memory(Some(Instant::now() + LONG)), Ok(true));
    assert_eq!(reap(&child).code(), Some(0));
}

/// The calling process, whose only child is the program, takes the place of the init.
fn is_waited_for_beside_an_init() {
    let starter = own_thread();
    let program = child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None);
    let (own, proc) = (process::id(), Path::new("/proc"));
    let pidfd = pidfd_open(own).expect("pidfd_open");
    let init = Child::new(own, pidfd, program.words(), ground());
    assert!(!init.has_program_own_memory(proc, program.pid()), "it is in this memory");
    say(program.words(), GO);
    program.left_memory(None).expect("no lock");
    assert!(init.has_program_own_memory(proc, program.pid()));
    // Dropped, it would be ended.
    let _ = init.into_pidfd();
    assert_eq!(reap(&program).code(), Some(0));
}

/// What a program that has ended left is a child of the init, and may never execute anything.
fn is_not_taken_for_the_program() {
    let starter = own_thread();
    let other = child(&[c"/bin/true"], CloneFlags::empty(), Some(&starter), None);
    let own = process::id();
    let pidfd = pidfd_open(own).expect("pidfd_open");
    let init = Child::new(own, pidfd, other.words(), ground());
    assert!(init.has_program_own_memory(Path::new("/proc"), other.pid() + 1));
    let _ = init.into_pidfd();
}

fn forked_without_kcmp(body: fn()) {
    let code = forked(|| {
        refuse(libc::SYS_kcmp, Errno::PERM);
        body();
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn c19_the_kernel_compares_the_memory() {
    ns_testbed::run_as!([Root, User], {
        is_waited_for_without_its_lock();
        let code = forked(|| {
            is_waited_for_beside_an_init();
            0
        });
        assert_eq!(code, 0);
    });
}

/// Where nothing may be compared.
#[test]
fn c19_proc_tells_what_has_executed() {
    ns_testbed::run_as!([Root, User], {
        for body in [
            is_waited_for_without_its_lock,
            is_waited_for_beside_an_init,
            is_not_taken_for_the_program,
        ] {
            forked_without_kcmp(body);
        }
    });
}
