//! The fence under a thread-local storage that does not exist.
#![allow(unsafe_code, reason = "memory for a stack, and for a thread pointer that leads nowhere")]

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicI32;

use ns_fs::Propagation;
use ns_sys::child::{SignalSet, rt_sigprocmask};
use ns_sys::{CloneArgs, CloneFlags, Errno, WaitFlags, WaitStatus, waitid_pidfd};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::child::Child;
use crate::in_child::{self, ChildPlan, Report, Words};
use crate::step::Step;

/// More than any stack or storage needs.
const SIZE: usize = 1 << 20;

/// Memory that is never unmapped: a child that failed this test may still be on its stack.
fn map(protection: ProtFlags) -> NonNull<u8> {
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), SIZE, protection, MapFlags::PRIVATE) };
    NonNull::new(start.expect("map").cast()).expect("mapped")
}

/// Runs every step in a child whose thread pointer leads to memory that nobody may touch; returns
/// what it reported, and how it ended.
fn without_tls(candidates: &[&CStr]) -> (Option<Report>, WaitStatus) {
    let (words, pidfd, none) = (Words::new(false), AtomicI32::new(-1), [ptr::null()]);
    let plan = ChildPlan {
        words: &words,
        starter: None,
        propagation: Some(Propagation::Private),
        mount_proc: true,
        mask: SignalSet::EMPTY,
        candidates,
        argv: none.as_ptr(),
        envp: none.as_ptr(),
    };
    let kinds = CloneFlags::NEWUSER | CloneFlags::NEWNS | CloneFlags::NEWPID;
    let shared = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let mut args = CloneArgs::new(shared | kinds);
    args.pidfd(&pidfd).child_tid(&words.child_tid);
    args.stack(map(ProtFlags::READ | ProtFlags::WRITE), SIZE);
    args.tls(map(ProtFlags::empty()).as_ptr().wrapping_add(SIZE / 2).cast());
    let mask = rt_sigprocmask(SignalSet::ALL).expect("block");
    let cloned = in_child::clone(&args, &plan);
    rt_sigprocmask(mask).expect("restore");
    let child = Child::new(cloned.expect("clone"), pidfd.into_inner(), &words);
    child.left_memory();
    let ended = waitid_pidfd(child.pidfd(), WaitFlags::ALL).expect("wait");
    (words.reported(), ended.expect("without NOHANG"))
}

#[test]
fn no_step_touches_thread_local_storage() {
    let (report, status) = without_tls(&[c"/nope", c"/bin/true"]);
    assert_eq!((report, status.code()), (None, Some(0)), "{status:?}");
    let (report, status) = without_tls(&[c"/nope", c"/neither"]);
    let failed = Report { step: Step::Exec, errno: Errno::NOENT, index: 0 };
    assert_eq!((report, status.code()), (Some(failed), Some(127)), "{status:?}");
}
