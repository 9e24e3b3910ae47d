//! Send a signal by pidfd.

use rustix::fd::AsFd;
use rustix::process::Signal;

use crate::Result;

/// `pidfd_send_signal(pidfd, signal)` — send `signal` to a process; it never reaches another process.
///
/// # Errors
/// - `ESRCH`: the process has been reaped. For a zombie the call succeeds and has no effect.
/// - `EPERM`: the caller may not send signals to the process.
/// - `ENOSYS`: before Linux 5.1.
///
/// # Async-signal-safety
/// Not between clone and exec.
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
    rustix::process::pidfd_send_signal(pidfd, signal)
}
