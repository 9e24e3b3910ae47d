//! Signals that cannot hit a stranger.

use rustix::fd::AsFd;
use rustix::process::Signal;

use crate::Result;

/// `pidfd_send_signal(pidfd, signal)` — sends `signal` to that process and to no other, ever.
///
/// # Errors
/// - `ESRCH`: the process has been reaped. A zombie takes the signal without effect.
/// - `EPERM`: the caller may not signal it.
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
/// pidfd_send_signal(2), signal(7) for pid 1 of a pid namespace; kernel/signal.c.
pub fn pidfd_send_signal(pidfd: impl AsFd, signal: Signal) -> Result<()> {
    rustix::process::pidfd_send_signal(pidfd, signal)
}
