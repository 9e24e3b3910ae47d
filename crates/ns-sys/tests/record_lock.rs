//! Record locks of a child, as its parent sees them.
#![allow(unsafe_code, reason = "a child that executes a program")]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use ns_sys::Errno;
use ns_sys::child::{fcntl_getlk, fcntl_setlk};
use ns_testbed::forked;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::FdFlags;

fn file() -> OwnedFd {
    memfd_create(c"lock", MemfdFlags::CLOEXEC).expect("memfd_create")
}

/// A program that runs until its stdin ends, and whose process locked byte 3 before it executed.
fn locked(file: &OwnedFd, flags: FdFlags) -> std::process::Child {
    let lock = file.try_clone().expect("dup");
    rustix::io::fcntl_setfd(file, flags).expect("fcntl");
    // A second descriptor that exec closes would end the lock.
    rustix::io::fcntl_setfd(&lock, flags).expect("fcntl");
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    // SAFETY: makes one system call.
    unsafe { command.pre_exec(move || fcntl_setlk(lock.as_fd(), 3).map_err(Into::into)) };
    command.spawn().expect("spawn")
}

/// The parent sees the lock while the child has it, of that byte alone; a process does not see its own.
#[test]
fn another_process_sees_the_lock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = file();
        let mut child = locked(&file, FdFlags::empty());
        assert_eq!(fcntl_getlk(file.as_fd(), 3), Ok(true));
        assert_eq!(fcntl_getlk(file.as_fd(), 4), Ok(false));
        assert_eq!(fcntl_setlk(file.as_fd(), 3), Err(Errno::AGAIN));
        assert_eq!(fcntl_setlk(file.as_fd(), 4), Ok(()));
        assert_eq!(fcntl_getlk(file.as_fd(), 4), Ok(false));
        drop(child.stdin.take());
        child.wait().expect("wait");
        assert_eq!(fcntl_getlk(file.as_fd(), 3), Ok(false), "its end gave it up");
    });
}

/// Exec ends the lock where it closes the descriptor.
#[test]
fn exec_ends_the_lock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = file();
        let mut child = locked(&file, FdFlags::CLOEXEC);
        // `spawn` returns once the program is executed.
        assert_eq!(fcntl_getlk(file.as_fd(), 3), Ok(false));
        drop(child.stdin.take());
        child.wait().expect("wait");
    });
}

/// A forked child has the descriptor, and not the lock.
#[test]
fn a_fork_does_not_inherit_the_lock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = file();
        fcntl_setlk(file.as_fd(), 3).expect("lock");
        // The child sees its parent's lock, so it does not have it.
        let code = forked(|| i32::from(fcntl_getlk(file.as_fd(), 3) == Ok(true)));
        assert_eq!(code, 1);
        assert_eq!(fcntl_setlk(file.as_fd(), 1 << 63), Err(Errno::INVAL));
    });
}
