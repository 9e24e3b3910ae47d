//! Open a pidfd, and duplicate a descriptor of another process.

use rustix::fd::{AsFd, OwnedFd, RawFd};
use rustix::process::{ForeignRawFd, Pid, PidfdFlags, PidfdGetfdFlags};

use crate::{Errno, Result};

/// `PIDFD_THREAD` of include/uapi/linux/pidfd.h.
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(linux_raw_sys::general::O_EXCL);

/// `pidfd_open(pid, 0)` — open a pidfd of the process with ID `pid` in the caller's pid namespace;
/// close-on-exec.
///
/// The pidfd is readable, for poll(2), once the process has terminated. If the process may already have
/// been reaped, its process ID may have been reused and the pidfd may refer to another process. For a
/// process that you create, use [`CloneArgs::pidfd`](crate::CloneArgs::pidfd) instead.
///
/// # Errors
/// - `ESRCH`: no such process.
/// - `EINVAL`, on newer kernels `ENOENT`: `pid` is a thread other than the thread group leader.
/// - `EINVAL`: `pid` is 0 or too large.
/// - `ENOSYS`: before Linux 5.3.
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
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
    rustix::process::pidfd_open(to_pid(pid)?, PidfdFlags::empty())
}

/// `pidfd_open(tid, PIDFD_THREAD)` — open a pidfd of one thread; close-on-exec.
///
/// The pidfd is readable once that thread has terminated, even while the process runs on. An execve(2)
/// by another thread also terminates it. The thread group leader is an exception: the thread that calls
/// execve takes over the leader's thread ID and its pidfd.
///
/// # Errors
/// As for [`pidfd_open`]. Also `EINVAL` before Linux 6.9.
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
///
/// # Kernel support
/// Linux 6.9.
///
/// # Examples
/// ```
/// // The thread ID of the main thread is the process ID.
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
    rustix::process::pidfd_open(to_pid(tid)?, PIDFD_THREAD)
}

/// `pidfd_getfd(pidfd, fd, 0)` — duplicate descriptor `fd` of another process; close-on-exec.
///
/// # Errors
/// - `EBADF`: the process has no such descriptor.
/// - `EPERM`: the caller may not trace the process (`PTRACE_MODE_ATTACH_REALCREDS`).
/// - `ESRCH`: the process has terminated.
/// - `ENOSYS`: before Linux 5.6.
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
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

fn to_pid(pid: u32) -> Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::INVAL)
}
