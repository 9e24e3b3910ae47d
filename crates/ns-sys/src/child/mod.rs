//! The calls that a child makes between clone and exec.
//!
//! A child that shares its creator's memory must not touch what libc and std keep there: `errno` and
//! other thread-locals, the heap, locks. These functions make the bare call and hand the error back
//! as a value; they allocate nothing, lock nothing, and retry nothing. They serve the copied child
//! of a program with threads just as well. Strings, arrays and descriptors are made by the parent.
//!
//! ```
//! use ns_sys::child::{self, Mode, SignalSet};
//! use ns_sys::fd::AsFd;
//!
//! assert_eq!(child::getpid(), std::process::id());
//! let mask = child::rt_sigprocmask(SignalSet::EMPTY.with(15))?;
//! assert!(child::rt_sigprocmask(mask)?.contains(15));
//! let root = std::fs::File::open("/")?;
//! let exists = child::mkdirat(root.as_fd(), c"proc", Mode::empty());
//! assert!(exists.is_err());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Each changes the calling thread or process and no other, also where libc's function of that name
//! changes every thread.

mod descriptors;
mod exec;
mod files;
mod ids;
mod limits;
mod look;
mod mount_id;
mod mounts;
mod process;
mod record_lock;
mod robust;
mod security;
mod signals;
mod wait;

pub use descriptors::*;
pub use exec::{execve, execveat, exit_group};
pub use files::{chdir, chroot, fchdir, mkdirat, symlinkat, umask};
pub use ids::{getegid, geteuid, setgroups, setresgid, setresuid};
pub use limits::{getrlimit, prlimit, setpriority};
pub use look::{FileSystem, Place, fstatfs, getcwd, getdents64, place, readlinkat};
pub use mount_id::{has_mount, mount_id};
pub use mounts::*;
pub use process::*;
pub use record_lock::{fcntl_getlk, fcntl_setlk};
pub use robust::{
    FormerList, RobustList, get_robust_list, has_died, restore_robust_list, set_robust_list,
};
pub use security::*;
pub use signals::{SignalSet, rt_sigaction_default, rt_sigaction_is_handled, rt_sigprocmask};
pub use wait::{has_ended, wait4};

pub use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
pub use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use rustix::fd::{AsRawFd, BorrowedFd};

/// A descriptor as a system call argument.
fn fd(fd: BorrowedFd<'_>) -> usize {
    fd.as_raw_fd() as usize
}
