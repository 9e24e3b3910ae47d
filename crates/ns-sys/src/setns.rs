//! setns(2), by a descriptor of a namespace and by a pidfd.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::__NR_setns;
use rustix::fd::{AsFd, AsRawFd};

use crate::arch::syscall;
use crate::flags::NamespaceFlags;
use crate::{Namespace, Result};

/// `setns(fd, kind)` — move the calling thread into the namespace that `fd` refers to.
///
/// If `kind` is given, the call fails for a namespace of another kind. A pid or time namespace takes
/// effect for the next child of the thread.
///
/// # Errors
/// - `EINVAL`: the namespace is of another kind; it is the user namespace that the caller is already
///   in; it is a user namespace and the process has more than one thread; or it is a mount namespace
///   and the caller shares its root and working directory.
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the namespace or in its own user namespace.
/// - `EUSERS`: it is a time namespace and the caller shares its memory with another thread or process.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 3.0; time 5.6.
///
/// # Examples
/// ```
/// use ns_sys::{Errno, Namespace};
///
/// let own = std::fs::File::open("/proc/self/ns/user")?;
/// // A process cannot join the user namespace that it is already in.
/// assert_eq!(ns_sys::setns(&own, Some(Namespace::User)), Err(Errno::INVAL));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// setns(2); kernel/nsproxy.c.
pub fn setns(fd: impl AsFd, kind: Option<Namespace>) -> Result<()> {
    setns_raw(fd, kind.map_or(NamespaceFlags::empty(), Namespace::flag))
}

/// `setns(pidfd, kinds)` — move the calling thread into namespaces of the process that `pidfd` refers
/// to.
///
/// The thread joins all of `kinds`, or none if the call fails. The kernel joins the user namespace
/// first.
///
/// # Errors
/// As for [`setns`], and:
/// - `ESRCH`: the process has terminated, reaped or not.
/// - `EINVAL`: `kinds` is empty; or before Linux 5.8.
/// - `EPERM`: the caller may not trace the process.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.8.
///
/// # Examples
/// ```
/// use ns_sys::{Errno, NamespaceFlags};
///
/// let own = ns_sys::pidfd_open(std::process::id())?;
/// assert_eq!(ns_sys::setns_pidfd(&own, NamespaceFlags::empty()), Err(Errno::INVAL));
/// # Ok::<(), Errno>(())
/// ```
///
/// # References
/// setns(2); kernel/nsproxy.c `validate_nsset`.
pub fn setns_pidfd(pidfd: impl AsFd, kinds: NamespaceFlags) -> Result<()> {
    setns_raw(pidfd, kinds)
}

fn setns_raw(fd: impl AsFd, kinds: NamespaceFlags) -> Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the call takes two numbers; the descriptor is borrowed, so it is open.
    unsafe { syscall(__NR_setns, [fd as usize, kinds.bits() as usize]) }.map(drop)
}
