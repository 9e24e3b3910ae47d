//! setns(2), by namespace and by process.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::__NR_setns;
use rustix::fd::{AsFd, AsRawFd};

use crate::arch::syscall;
use crate::flags::NamespaceFlags;
use crate::{Namespace, Result};

/// `setns(fd, kind)` — moves the calling thread into the namespace that `fd` refers to.
///
/// With a `kind`, only if it is of that kind. The pid and time namespaces change for the thread's
/// next child only.
///
/// # Errors
/// - `EINVAL`: of another kind; a user namespace that the caller is in already, or joins with more
///   than one thread; a mount namespace, while root and working directory are shared.
/// - `EPERM`: no `CAP_SYS_ADMIN` over it, or over the caller's own user namespace.
/// - `EUSERS`: a time namespace, while memory is shared with anybody.
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
/// // A user namespace that one is in already cannot be joined.
/// assert_eq!(ns_sys::setns(&own, Some(Namespace::User)), Err(Errno::INVAL));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// setns(2); kernel/nsproxy.c.
pub fn setns(fd: impl AsFd, kind: Option<Namespace>) -> Result<()> {
    call(fd, kind.map_or(NamespaceFlags::empty(), Namespace::flag))
}

/// `setns(pidfd, kinds)` — moves the calling thread into namespaces of the process `pidfd`.
///
/// All of `kinds` or, on an error, none. The kernel enters the user namespace first.
///
/// # Errors
/// As [`setns`], and:
/// - `ESRCH`: the process is gone, reaped or not.
/// - `EINVAL`: no kinds; before Linux 5.8.
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
    call(pidfd, kinds)
}

fn call(fd: impl AsFd, kinds: NamespaceFlags) -> Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: takes two numbers; the descriptor is borrowed.
    unsafe { syscall(__NR_setns, [fd as usize, kinds.bits() as usize]) }.map(drop)
}
