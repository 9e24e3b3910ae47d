//! The namespaces of a process, by its pidfd.
#![allow(unsafe_code, reason = "ioctls")]

use linux_raw_sys::general::__NR_ioctl;
use rustix::fd::{AsFd, AsRawFd, RawFd};

use super::PIDFS_IOCTL_MAGIC;
use crate::arch::syscall;
use crate::{Namespace, NamespaceFd, Result};

impl NamespaceFd {
    /// `ioctl(pidfd, PIDFD_GET_…_NAMESPACE)` — open a namespace of a process; close-on-exec.
    ///
    /// Unlike opening `/proc/PID/ns`, this needs no `/proc` and cannot reach another process that has
    /// reused the process ID.
    ///
    /// # Errors
    /// - `EPERM`: the caller may not trace the process.
    /// - `ESRCH`: the process has terminated, reaped or not.
    /// - `ENOTTY`, `EINVAL`: before Linux 6.11.
    /// - `EOPNOTSUPP`: the kernel has no namespaces of this kind.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: it returns an owned descriptor.
    ///
    /// # Kernel support
    /// Linux 6.11.
    ///
    /// # Examples
    /// ```
    /// use ns_sys::{Errno, Namespace, NamespaceFd, pidfd_open};
    ///
    /// let own = pidfd_open(std::process::id())?;
    /// match NamespaceFd::from_pidfd(&own, Namespace::Uts) {
    ///     Ok(uts) => assert_eq!(uts.kind()?, Namespace::Uts),
    ///     Err(errno) => assert_eq!(errno, Errno::NOTTY, "before Linux 6.11"),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    /// include/uapi/linux/pidfd.h; fs/pidfs.c `pidfd_ioctl`.
    pub fn from_pidfd(pidfd: impl AsFd, kind: Namespace) -> Result<Self> {
        Self::open(pidfd, number(kind))
    }

    /// `ioctl(pidfd, PIDFD_GET_…_FOR_CHILDREN_NAMESPACE)` — open the pid or time namespace of the
    /// process's next child; close-on-exec.
    ///
    /// # Errors
    /// As for [`NamespaceFd::from_pidfd`]. Also `EINVAL`, without a system call, for every other kind.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: it returns an owned descriptor.
    ///
    /// # Kernel support
    /// Linux 6.11.
    ///
    /// # References
    /// include/uapi/linux/pidfd.h; fs/pidfs.c `pidfd_ioctl`.
    pub fn for_children(pidfd: impl AsFd, kind: Namespace) -> Result<Self> {
        match kind {
            Namespace::Pid => Self::open(pidfd, 6),
            Namespace::Time => Self::open(pidfd, 8),
            _ => Err(crate::Errno::INVAL),
        }
    }

    fn open(pidfd: impl AsFd, number: u32) -> Result<Self> {
        let fd = pidfd.as_fd().as_raw_fd();
        let operation = PIDFS_IOCTL_MAGIC | number;
        // SAFETY: these operations take no argument.
        let namespace = unsafe { syscall(__NR_ioctl, [fd as usize, operation as usize, 0]) }?;
        Self::from_ioctl(namespace as RawFd)
    }
}

/// The number of the operation `PIDFD_GET_…_NAMESPACE`.
const fn number(kind: Namespace) -> u32 {
    match kind {
        Namespace::Cgroup => 1,
        Namespace::Ipc => 2,
        Namespace::Mnt => 3,
        Namespace::Net => 4,
        Namespace::Pid => 5,
        Namespace::Time => 7,
        Namespace::User => 9,
        Namespace::Uts => 10,
    }
}
