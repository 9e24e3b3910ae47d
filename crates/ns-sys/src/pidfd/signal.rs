//! Send a signal by pidfd.
#![allow(unsafe_code, reason = "a system call")]

use linux_raw_sys::general::__NR_pidfd_send_signal;
use rustix::fd::{AsFd, AsRawFd};

use crate::arch::syscall;
use crate::{Result, Signal};

/// `pidfd_send_signal(pidfd, signal)` — send `signal` to a process; it never reaches another process.
///
/// # Errors
/// - `ESRCH`: the process has been reaped. For a zombie the call succeeds and has no effect.
/// - `EPERM`: the caller may not send signals to the process.
/// - `ENOSYS`: before Linux 5.1.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.1.
///
/// # Examples
/// ```
/// use ns_sys::Signal;
///
/// let own = ns_sys::pidfd_open(std::process::id())?;
/// ns_sys::pidfd_send_signal(&own, Signal::CONT)?;
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// pidfd_send_signal(2), pid_namespaces(7) on signals to process 1; kernel/signal.c.
pub fn pidfd_send_signal(pidfd: impl AsFd, signal: Signal) -> Result<()> {
    let (fd, number) = (pidfd.as_fd().as_raw_fd(), signal.as_raw());
    // SAFETY: without a siginfo_t the call takes integers only.
    unsafe { syscall(__NR_pidfd_send_signal, [fd as usize, number as usize, 0, 0]) }.map(drop)
}
