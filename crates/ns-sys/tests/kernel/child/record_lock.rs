//! Record locks of a child, tested from its parent.
#![allow(unsafe_code, reason = "a child that executes a program")]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use ns_sys::Errno;
use ns_sys::child::{fcntl_getlk, fcntl_setlk};
use ns_testbed::forked;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::FdFlags;

/// An empty file in memory.
fn file() -> OwnedFd {
    memfd_create(c"lock", MemfdFlags::CLOEXEC).expect("memfd_create")
}

/// Starts a program that runs until EOF on stdin. Its process locks byte 3 of `file` before the exec.
fn spawn_with_lock(file: &OwnedFd, flags: FdFlags) -> std::process::Child {
    let lock = file.try_clone().expect("dup");
    rustix::io::fcntl_setfd(file, flags).expect("fcntl");
    // If exec closed a second descriptor of the file, the kernel would release the lock.
    rustix::io::fcntl_setfd(&lock, flags).expect("fcntl");
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    // SAFETY: the closure makes one system call.
    unsafe { command.pre_exec(move || fcntl_setlk(lock.as_fd(), 3).map_err(Into::into)) };
    command.spawn().expect("spawn")
}

/// The parent sees the child's lock on that byte only. A process does not see its own locks.
#[test]
fn another_process_sees_the_lock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = file();
        let mut child = spawn_with_lock(&file, FdFlags::empty());
        assert_eq!(fcntl_getlk(file.as_fd(), 3), Ok(true));
        assert_eq!(fcntl_getlk(file.as_fd(), 4), Ok(false));
        assert_eq!(fcntl_setlk(file.as_fd(), 3), Err(Errno::AGAIN));
        assert_eq!(fcntl_setlk(file.as_fd(), 4), Ok(()));
        assert_eq!(fcntl_getlk(file.as_fd(), 4), Ok(false));
        drop(child.stdin.take());
        child.wait().expect("wait");
        assert_eq!(fcntl_getlk(file.as_fd(), 3), Ok(false), "released on exit");
    });
}

/// An exec that closes the descriptor releases the lock.
#[test]
fn exec_releases_the_lock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = file();
        let mut child = spawn_with_lock(&file, FdFlags::CLOEXEC);
        // `spawn` returns after the exec.
        assert_eq!(fcntl_getlk(file.as_fd(), 3), Ok(false));
        drop(child.stdin.take());
        child.wait().expect("wait");
    });
}

/// A forked child inherits the descriptor but not the lock.
#[test]
fn a_forked_child_does_not_inherit_the_lock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = file();
        fcntl_setlk(file.as_fd(), 3).expect("lock");
        // The child sees the lock as that of another process, so it does not hold the lock itself.
        let code = forked(|| i32::from(fcntl_getlk(file.as_fd(), 3) == Ok(true)));
        assert_eq!(code, 1);
        assert_eq!(fcntl_setlk(file.as_fd(), 1 << 63), Err(Errno::INVAL));
    });
}
