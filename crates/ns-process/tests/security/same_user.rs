//! A process of the same user cannot read the memory of a privileged caller through its child.
#![allow(unsafe_code, reason = "the attack, and a child made by hand for it")]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use crate::common::memory::{dumpable, read_word};
use ns_process::{Container, Namespace};
use ns_sys::child::{CapabilitySets, capset, exit_group};
use ns_sys::{CloneArgs, CloneFlags, clone3_entry, futex};
use ns_testbed::forked;

const CANARY: u64 = 0x6361_6e61_7279;

/// Whether a process of the same user without any capability can read `canary` through `pid`.
fn is_read_through(pid: u32, canary: &u64) -> bool {
    let address = std::ptr::from_ref(canary).expose_provenance();
    let code = forked(|| {
        capset(CapabilitySets::default()).expect("capset");
        i32::from(read_word(pid.try_into().expect("a pid"), address) == Some(CANARY))
    });
    code == 1
}

/// Whether the memory can be read through a child in a new user namespace while the caller is dumpable.
fn undefended(canary: &u64) -> bool {
    static GO: AtomicU32 = AtomicU32::new(0);
    static IN_MEMORY: AtomicU32 = AtomicU32::new(1);
    unsafe extern "C" fn wait(_: *mut std::ffi::c_void) -> ! {
        while GO.load(Ordering::Acquire) == 0 {
            let _ = futex::wait(&GO, 0, None);
        }
        exit_group(0)
    }
    let stack = vec![0_u8; 65536].leak();
    let pidfd = AtomicI32::new(-1);
    let flags = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::NEWUSER;
    let mut args = CloneArgs::new(flags);
    args.pidfd(&pidfd).child_tid(&IN_MEMORY);
    args.stack(NonNull::from(&mut stack[0]), stack.len());
    // SAFETY: the stack is leaked, the words are static, and the child makes system calls only.
    let pid = unsafe { clone3_entry(&args, wait, std::ptr::null_mut()) }.expect("clone3");
    let read = is_read_through(pid, canary);
    GO.store(1, Ordering::Release);
    let _ = futex::wake(&GO, 1);
    while IN_MEMORY.load(Ordering::Acquire) == 1 {
        let _ = futex::wait(&IN_MEMORY, 1, None);
    }
    let pid = rustix::process::Pid::from_raw(pid.try_into().expect("a pid"));
    // SAFETY: takes numbers, and a null for the status.
    let reaped = unsafe {
        libc::waitpid(
            pid.expect("a pid").as_raw_nonzero().get(),
            std::ptr::null_mut(),
            libc::__WALL,
        )
    };
    assert!(reaped > 0);
    // SAFETY: clone3 stored it.
    let _ = unsafe { ns_sys::child::close(pidfd.into_inner()) };
    read
}

/// A process of the same user without privilege cannot read the memory of the caller through its child, and the flag of
/// the caller is restored. The test shows first that it can where the flag is set.
#[test]
fn c16_the_same_user_cannot_read_through_a_child() {
    ns_testbed::run_as!([Root], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        if !undefended(canary) {
            ns_testbed::skip!("a security module forbids the attack");
        }
        let mut container = Container::new("true");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        container.before_go(move |child| {
            assert!(!is_read_through(child.pid(), canary), "the caller's memory was read");
            assert_eq!(dumpable(), 0);
        });
        assert_eq!(dumpable(), 1);
        assert!(container.start().expect("start").join().expect("join").success());
        assert_eq!(dumpable(), 1, "the flag is restored");
        container.before_go(|_| Err::<(), _>("no"));
        container.start().expect_err("the hook fails");
        assert_eq!(dumpable(), 1, "the flag is restored after a failure");
    });
}
