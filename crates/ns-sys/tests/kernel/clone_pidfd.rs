//! The owned pidfd of a child.
#![allow(unsafe_code, reason = "the calls under test")]

use std::ffi::c_void;
use std::fs;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use ns_sys::child::{SignalSet, exit_group, rt_sigprocmask};
use ns_sys::{
    CloneArgs, CloneFlags, Errno, Signal, WaitFlags, clone3_entry_pidfd, clone3_pidfd,
    waitid_pidfd_timeout,
};

const LIMIT: Duration = Duration::from_secs(10);

/// A stack with the alignment that every architecture accepts.
#[repr(C, align(16))]
struct Stack([u8; 16 * 1024]);

unsafe extern "C" fn exit_nine(_: *mut c_void) -> ! {
    exit_group(9)
}

/// The pidfd is close-on-exec, belongs to the child, and is closed when it is dropped.
#[test]
fn f16_the_pidfd_of_a_copy_is_owned() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut args = CloneArgs::new(CloneFlags::NEWUSER);
        args.exit_signal(Signal::CHILD);
        // SAFETY: the child makes system calls only.
        let child = unsafe { clone3_pidfd(&args) }.expect("clone3");
        let Some((pid, pidfd)) = child else { exit_group(7) };
        let number = pidfd.as_raw_fd();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).expect("fdinfo");
        assert!(info.lines().any(|line| line == format!("Pid:\t{pid}")), "{info}");
        let flags = rustix::io::fcntl_getfd(&pidfd).expect("flags");
        assert_eq!(flags, rustix::io::FdFlags::CLOEXEC);
        let status = waitid_pidfd_timeout(&pidfd, WaitFlags::empty(), LIMIT).expect("wait");
        assert_eq!(status.and_then(ns_sys::WaitStatus::code), Some(7));
        drop(pidfd);
        assert!(!fs::exists(format!("/proc/self/fd/{number}")).expect("look"));
    });
}

/// The same for a child in shared memory. The slot of the arguments is not written.
#[test]
fn f16_the_pidfd_of_a_child_in_shared_memory_is_owned() {
    ns_testbed::run_as!([Root, User, Nested], {
        let slot = AtomicI32::new(-7);
        let mut stack = Box::new(Stack([0; 16 * 1024]));
        // With VFORK the call returns when the child has released the memory.
        let mut args = CloneArgs::new(CloneFlags::VM | CloneFlags::VFORK | CloneFlags::NEWUSER);
        args.pidfd(&slot).stack(NonNull::from(&mut *stack).cast(), size_of::<Stack>());
        let mask = rt_sigprocmask(SignalSet::ALL).expect("block signals");
        // SAFETY: the child makes one system call, and the stack outlives it.
        let child = unsafe { clone3_entry_pidfd(&args, exit_nine, std::ptr::null_mut()) };
        rt_sigprocmask(mask).expect("restore the mask");
        let (_, pidfd) = child.expect("clone3");
        let status = waitid_pidfd_timeout(&pidfd, WaitFlags::ALL, LIMIT).expect("wait");
        assert_eq!(status.and_then(ns_sys::WaitStatus::code), Some(9));
        assert_eq!(slot.load(Ordering::Relaxed), -7);
    });
}

/// A clone that fails leaves no descriptor open, and no other descriptor is closed.
#[test]
fn f16_a_failed_clone_has_no_pidfd() {
    ns_testbed::run_as!([Root, User], {
        let open = || fs::read_dir("/proc/self/fd").expect("read").count();
        let before = open();
        let broken = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::FS);
        // SAFETY: the call fails before a child is created.
        assert_eq!(unsafe { clone3_pidfd(&broken) }.err(), Some(Errno::INVAL));
        // In use: the kernel fails after it has chosen the number of the pidfd.
        let in_use = [std::process::id()];
        let mut late = CloneArgs::new(CloneFlags::empty());
        late.set_tid(&in_use);
        // SAFETY: the call fails before a child is created.
        let failed = unsafe { clone3_pidfd(&late) }.err();
        assert!(matches!(failed, Some(Errno::EXIST | Errno::PERM)), "{failed:?}");
        assert_eq!(open(), before);
    });
}
