//! The system calls that a child makes between clone and exec.
//!
//! A child that shares its parent's memory must not use the state that libc and std keep there: `errno`
//! and other thread-locals, the heap, and locks. The functions of this module make one system call and
//! return its error as a value. They do not allocate, lock or retry. They are equally safe in the child
//! of a program with threads that has its own copy of the memory. The parent must prepare all strings,
//! arrays and descriptors before the clone.
//!
//! Each function affects only the calling thread or process. Functions of libc with the same name may
//! change every thread of the process.
//!
//! ```
//! use ns_sys::Signal;
//! use ns_sys::child::{self, Mode, SignalSet};
//! use ns_sys::fd::AsFd;
//!
//! assert_eq!(child::getpid(), std::process::id());
//! let mask = child::rt_sigprocmask(SignalSet::EMPTY.with(Signal::TERM))?;
//! assert!(child::rt_sigprocmask(mask)?.contains(Signal::TERM));
//! let root = std::fs::File::open("/")?;
//! let exists = child::mkdirat(root.as_fd(), c"proc", Mode::empty());
//! assert!(exists.is_err());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | concern | functions |
//! |---|---|
//! | program, exit | [`execve`], [`execveat`], [`exit_group`] |
//! | process, session | [`getpid`], [`getppid`], [`setsid`], [`setpgid`], [`prctl`] |
//! | waiting | [`wait4`], [`has_terminated`], [`is_readable`] |
//! | user and group IDs | [`geteuid`], [`getegid`], [`setgroups`], [`setresgid`], [`setresuid`] |
//! | privileges | [`capset`], [`seccomp_set_filter`], [`keyctl_join_session_keyring`] |
//! | limits | [`getrlimit`], [`prlimit`], [`setpriority`] |
//! | scheduling | [`sched_setattr`], [`sched_setaffinity`], [`ioprio_set`], [`personality`] |
//! | signals | [`rt_sigprocmask`], [`rt_sigtimedwait`], [`rt_sigaction_default`], [`rt_sigaction_is_handled`] |
//! | host and domain name | [`sethostname`], [`setdomainname`] |
//! | open files | [`openat`], [`openat2`], [`socket`], [`read`], [`write`](write()), [`ioctl`] |
//! | terminals | [`ioctl_tiocsctty`], [`ioctl_tiocsptlck`], [`ioctl_tiocgptn`], [`ioctl_tiocgptpeer`], [`ioctl_tiocswinsz`] |
//! | sockets | [`send_fd`] |
//! | descriptors | [`dup3`], [`fcntl_dupfd_cloexec`], [`fcntl_setfd`], [`close`], [`close_range`] |
//! | root and working directory | [`chroot`], [`chdir`], [`fchdir`], [`getcwd`], [`umask`] |
//! | directories | [`mkdirat`], [`symlinkat`], [`readlinkat`], [`getdents64`], [`mknodat`], [`fchmodat`], [`fchownat`], [`fchown`], [`unlinkat`] |
//! | file identity | [`fstatfs`], [`file_id`], [`permissions`], [`mount_id`](mount_id()), [`has_mount`] |
//! | mounts | [`mount`], [`mount_change`], [`mount_setattr`], [`open_tree`], [`move_mount`], [`umount2`], [`pivot_root`] |
//! | new file systems | [`fsopen`], [`fsconfig_set_string`], [`fsconfig_set_flag`], [`fsconfig_set_fd`], [`fsconfig_create`], [`fsmount`], [`fspick`], [`fsconfig_reconfigure`] |
//! | record locks | [`fcntl_setlk`], [`fcntl_getlk`] |
//! | robust futex list | [`set_robust_list`], [`get_robust_list`], [`restore_robust_list`], [`is_owner_dead`] |

mod descriptors;
mod directory;
mod exec;
mod fs_context;
mod fs_info;
mod ids;
mod io;
mod limits;
mod mount_id;
mod mounts;
mod open;
mod process;
mod record_lock;
mod robust;
mod scheduling;
mod security;
mod send_fd;
mod signals;
mod stat;
mod terminal;
mod uts;
mod wait;

pub use descriptors::{
    CloseRangeFlags, close, close_range, dup3, fcntl_dupfd_cloexec, fcntl_setfd,
};
pub use directory::{
    fchmodat, fchown, fchownat, getdents64, mkdirat, mknodat, readlinkat, symlinkat, unlinkat,
};
pub use exec::{execve, execveat, exit_group};
pub use fs_context::{
    fsconfig_create, fsconfig_reconfigure, fsconfig_set_fd, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen, fspick,
};
pub use fs_info::{chdir, chroot, fchdir, getcwd, umask};
pub use ids::{getegid, geteuid, setgroups, setresgid, setresuid};
pub use io::{ioctl, is_readable, read, write};
pub use limits::{getrlimit, prlimit, setpriority};
pub use mount_id::{has_mount, mount_id};
pub use mounts::{
    MountAttr, mount, mount_change, mount_setattr, move_mount, open_tree, pivot_root, umount2,
};
pub use open::{openat, openat2, socket};
pub use process::{getpid, getppid, prctl, setpgid, setsid};
pub use record_lock::{fcntl_getlk, fcntl_setlk};
pub use robust::{
    RobustList, SavedRobustList, get_robust_list, is_owner_dead, restore_robust_list,
    set_robust_list,
};
pub use scheduling::{SchedAttr, ioprio_set, personality, sched_setaffinity, sched_setattr};
pub use security::{
    BpfInstruction, CapabilitySets, capset, keyctl_join_session_keyring, seccomp_set_filter,
};
pub use send_fd::send_fd;
pub use signals::{
    SignalSet, rt_sigaction_default, rt_sigaction_is_handled, rt_sigprocmask, rt_sigtimedwait,
};
pub use stat::{FileId, FileSystem, Permissions, file_id, fstatfs, permissions};
pub use terminal::{
    ioctl_tiocgptn, ioctl_tiocgptpeer, ioctl_tiocsctty, ioctl_tiocsptlck, ioctl_tiocswinsz,
};
pub use uts::{setdomainname, sethostname};
pub use wait::{has_terminated, wait4};

pub use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
pub use rustix::mount::{
    FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags, MountFlags, MountPropagationFlags,
    MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use rustix::fd::{AsRawFd, BorrowedFd, RawFd};

/// A descriptor as a system call argument.
fn fd(fd: BorrowedFd<'_>) -> usize {
    fd.as_raw_fd() as usize
}

/// The descriptor that a system call returned.
fn raw_fd(returned: usize) -> RawFd {
    returned as RawFd
}
