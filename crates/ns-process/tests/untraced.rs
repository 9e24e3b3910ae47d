//! Nobody reads or writes the caller's memory by way of a child that still shares it.
#![allow(unsafe_code, reason = "the attack, and a child made by hand for it")]

use std::hint::black_box;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_process::{Container, Namespace};
use ns_sys::child::{CapabilitySets, capset, exit_group};
use ns_sys::{CloneArgs, CloneFlags, clone3_entry, futex};
use ns_testbed::forked;

const CANARY: u64 = 0x6361_6e61_7279;

/// Whether a process of the same user without any capability can read `canary` through `pid`.
fn is_read_through(pid: u32, canary: &u64) -> bool {
    let address = std::ptr::from_ref(canary).expose_provenance();
    let code = forked(|| {
        capset(CapabilitySets::default()).expect("give up");
        let mut found = 0_u64;
        let local = libc::iovec { iov_base: (&raw mut found).cast(), iov_len: 8 };
        let remote = libc::iovec { iov_base: address as *mut _, iov_len: 8 };
        let pid = pid.try_into().expect("a pid");
        // SAFETY: one buffer of eight bytes, which outlives the call; the other side is checked.
        let read =
            unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
        i32::from(read == 8 && black_box(found) == CANARY)
    });
    code == 1
}

/// A child in this memory and a new user namespace, as every engine without the defence makes it.
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
    // SAFETY: the stack is leaked, the words are static, and the child makes bare calls only.
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

fn dumpable() -> i32 {
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }
}

/// The privileged caller's child is not read through by a process of its user that has no privilege;
/// without the defence it is.
#[test]
fn c16_same_user_without_privilege() {
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
        assert_eq!(dumpable(), 1, "the flag is as it was");
        container.before_go(|_| Err::<(), _>("no"));
        container.start().expect_err("the hook fails");
        assert_eq!(dumpable(), 1, "also after a failure");
    });
}
