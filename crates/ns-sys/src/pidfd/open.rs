//! Getting a pidfd, and a descriptor through one.

use rustix::fd::{AsFd, OwnedFd, RawFd};
use rustix::process::{ForeignRawFd, Pid, PidfdFlags, PidfdGetfdFlags};

use crate::{Errno, Result};

/// `PIDFD_THREAD` of include/uapi/linux/pidfd.h.
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(linux_raw_sys::general::O_EXCL);

/// `pidfd_open(pid, 0)` — a descriptor of the process whose id is `pid` in the caller's pid
/// namespace; close-on-exec.
///
/// It is readable, for poll(2), once the process has ended. Sure to mean the wished process only
/// while nobody can have reaped it: take it from [`CloneArgs::pidfd`](crate::CloneArgs::pidfd) where
/// you make the process yourself.
///
/// # Errors
/// - `ESRCH`: no such process.
/// - `EINVAL`, on newer kernels `ENOENT`: `pid` is a thread that leads no process.
/// - `EINVAL`: `pid` is 0 or too large.
/// - `ENOSYS`: before Linux 5.3.
///
/// # Async-signal-safety
/// Not between clone and exec: it makes an owner.
///
/// # Kernel support
/// Linux 5.3.
///
/// # Examples
/// ```
/// let own = ns_sys::pidfd_open(std::process::id())?;
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// pidfd_open(2); kernel/pid.c.
pub fn pidfd_open(pid: u32) -> Result<OwnedFd> {
    rustix::process::pidfd_open(checked(pid)?, PidfdFlags::empty())
}

/// `pidfd_open(tid, PIDFD_THREAD)` — a descriptor of one thread; close-on-exec.
///
/// It is readable once that thread has ended, also when it ends because another thread executes a
/// program, which a process's descriptor outlives. That does not hold for the thread that leads the
/// process: the one that executes takes over its id, and the descriptor with it.
///
/// # Errors
/// As [`pidfd_open`]; `EINVAL` before Linux 6.9.
///
/// # Async-signal-safety
/// Not between clone and exec: it makes an owner.
///
/// # Kernel support
/// Linux 6.9.
///
/// # Examples
/// ```
/// // The first thread's id is the process's.
/// match ns_sys::pidfd_open_thread(std::process::id()) {
///     Ok(_) | Err(ns_sys::Errno::INVAL) => {}
///     Err(errno) => return Err(errno),
/// }
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// pidfd_open(2); kernel/pid.c.
pub fn pidfd_open_thread(tid: u32) -> Result<OwnedFd> {
    rustix::process::pidfd_open(checked(tid)?, PIDFD_THREAD)
}

/// `pidfd_getfd(pidfd, fd, 0)` — a duplicate of descriptor `fd` of the process; close-on-exec.
///
/// # Errors
/// - `EBADF`: the process has no such descriptor.
/// - `EPERM`: the caller may not trace the process (`PTRACE_MODE_ATTACH_REALCREDS`).
/// - `ESRCH`: the process is gone.
/// - `ENOSYS`: before Linux 5.6.
///
/// # Async-signal-safety
/// Not between clone and exec: it makes an owner.
///
/// # Kernel support
/// Linux 5.6.
///
/// # Examples
/// ```
/// let own = ns_sys::pidfd_open(std::process::id())?;
/// let stdin = ns_sys::pidfd_getfd(&own, 0)?;
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// pidfd_getfd(2); kernel/pid.c.
pub fn pidfd_getfd(pidfd: impl AsFd, fd: RawFd) -> Result<OwnedFd> {
    rustix::process::pidfd_getfd(pidfd, fd as ForeignRawFd, PidfdGetfdFlags::empty())
}

fn checked(pid: u32) -> Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::INVAL)
}
