//! Descriptors that refer to namespaces, and the ioctls of nsfs.
#![allow(unsafe_code, reason = "the ioctls of nsfs")]

use linux_raw_sys::general::__NR_ioctl;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use rustix::fs::{FsWord, fstat, fstatfs};

use crate::arch::syscall;
use crate::flags::NamespaceFlags;
use crate::{Errno, Namespace, Result};

/// `_IO(NSIO, number)` of include/uapi/linux/nsfs.h.
const fn nsio(number: u32) -> u32 {
    0xb700 | number
}

const NS_GET_USERNS: u32 = nsio(1);
const NS_GET_PARENT: u32 = nsio(2);
const NS_GET_NSTYPE: u32 = nsio(3);
const NS_GET_OWNER_UID: u32 = nsio(4);

/// `NSFS_MAGIC` of include/uapi/linux/magic.h.
const NSFS_MAGIC: FsWord = 0x6e73_6673;

/// An owned descriptor that refers to a namespace of any kind.
///
/// The namespace exists as long as the descriptor is open, even without a process in it.
///
/// ```
/// use ns_sys::{Namespace, NamespaceFd};
///
/// let own = ns_sys::pidfd_open(std::process::id())?;
/// let uts = NamespaceFd::from_pidfd(&own, Namespace::Uts)?;
/// assert_eq!(uts.kind()?, Namespace::Uts);
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// ioctl_nsfs(2), namespaces(7); fs/nsfs.c.
#[derive(Debug)]
pub struct NamespaceFd(OwnedFd);

/// The identity of a namespace: two descriptors refer to the same namespace exactly if these are equal.
///
/// The kernel may reuse the inode number after the namespace has been destroyed.
///
/// # References
/// namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceId {
    /// The device of nsfs.
    pub dev: u64,
    /// The inode number, which the links in `/proc/PID/ns` show in brackets.
    pub ino: u64,
}

impl NamespaceFd {
    /// Take ownership of a descriptor that refers to a namespace.
    ///
    /// # Errors
    /// - `ENOTTY`: the descriptor does not refer to a namespace; it is closed.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: dropping an owned descriptor may use libc.
    ///
    /// # Kernel support
    /// Linux 3.19, the first with nsfs.
    ///
    /// # Examples
    /// ```
    /// use std::fs::File;
    ///
    /// use ns_sys::{Errno, Namespace, NamespaceFd};
    ///
    /// let pid = NamespaceFd::new(File::open("/proc/self/ns/pid")?)?;
    /// assert_eq!(pid.kind()?, Namespace::Pid);
    /// assert_eq!(pid.id()?, NamespaceFd::new(File::open("/proc/self/ns/pid")?)?.id()?);
    /// assert_eq!(pid.owner_uid(), Err(Errno::INVAL));
    /// assert_eq!(pid.user_namespace()?.kind()?, Namespace::User);
    /// assert_eq!(NamespaceFd::new(File::open("/dev/null")?).err(), Some(Errno::NOTTY));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    /// fs/nsfs.c.
    pub fn new(fd: impl Into<OwnedFd>) -> Result<Self> {
        let fd = fd.into();
        if fstatfs(&fd)?.f_type == NSFS_MAGIC { Ok(Self(fd)) } else { Err(Errno::NOTTY) }
    }

    /// Take ownership of the descriptor that an ioctl returned, if it refers to a namespace.
    ///
    /// The check is needed because the ioctl may have been called on any file, and the driver of that
    /// file may return any number.
    pub(crate) fn from_ioctl(fd: RawFd) -> Result<Self> {
        // SAFETY: it is passed to fstatfs only, which fails if it is not open.
        let unchecked = unsafe { BorrowedFd::borrow_raw(fd) };
        if fstatfs(unchecked)?.f_type != NSFS_MAGIC {
            return Err(Errno::NOTTY);
        }
        // SAFETY: the kernel has just created this descriptor of a namespace for this caller.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// `ioctl(fd, NS_GET_NSTYPE)` — the kind of the namespace.
    ///
    /// # Errors
    /// - `ENOTTY`: before Linux 4.11.
    /// - `EINVAL`: the kind is not one of [`Namespace`].
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    ///
    /// # Kernel support
    /// Linux 4.11.
    ///
    /// # References
    /// ioctl_nsfs(2); fs/nsfs.c `ns_ioctl`.
    pub fn kind(&self) -> Result<Namespace> {
        let flag = NamespaceFlags::from_bits_retain(self.ioctl(NS_GET_NSTYPE, 0)? as u64);
        Namespace::ALL.into_iter().find(|kind| kind.flag() == flag).ok_or(Errno::INVAL)
    }

    /// `fstat(fd)` — the device and inode, which identify the namespace.
    ///
    /// # Errors
    /// None that a caller can act on.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec.
    ///
    /// # Kernel support
    /// Linux 3.8.
    ///
    /// # References
    /// namespaces(7), fstat(2); fs/nsfs.c.
    pub fn id(&self) -> Result<NamespaceId> {
        let stat = fstat(&self.0)?;
        Ok(NamespaceId { dev: stat.st_dev, ino: stat.st_ino })
    }

    /// `ioctl(fd, NS_GET_OWNER_UID)` — the user ID of the owner of this user namespace.
    ///
    /// This is the effective user ID of the process that created the namespace.
    ///
    /// The ID is translated to the caller's user namespace. An ID without a mapping there is reported as
    /// the overflow ID (`/proc/sys/kernel/overflowuid`).
    ///
    /// # Errors
    /// - `EINVAL`: the namespace is not a user namespace.
    /// - `ENOTTY`: before Linux 4.11.
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    ///
    /// # Kernel support
    /// Linux 4.11.
    ///
    /// # References
    /// ioctl_nsfs(2); fs/nsfs.c `ns_ioctl`.
    pub fn owner_uid(&self) -> Result<u32> {
        let mut uid = 0_u32;
        self.ioctl(NS_GET_OWNER_UID, (&raw mut uid).expose_provenance())?;
        Ok(uid)
    }

    /// `ioctl(fd, NS_GET_USERNS)` — open the user namespace that owns this namespace; for a user
    /// namespace, its parent.
    ///
    /// # Errors
    /// - `EPERM`: the result is neither the caller's user namespace nor a descendant of it.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: it returns an owned descriptor.
    ///
    /// # Kernel support
    /// Linux 4.9.
    ///
    /// # References
    /// ioctl_nsfs(2); fs/nsfs.c `ns_ioctl`.
    pub fn user_namespace(&self) -> Result<Self> {
        self.open_related(NS_GET_USERNS)
    }

    /// `ioctl(fd, NS_GET_PARENT)` — open the parent of this user or pid namespace.
    ///
    /// # Errors
    /// - `EINVAL`: the namespace is neither a user nor a pid namespace.
    /// - `EPERM`: it is the initial namespace, or the parent is outside the caller's own namespace of
    ///   that kind.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: it returns an owned descriptor.
    ///
    /// # Kernel support
    /// Linux 4.9.
    ///
    /// # References
    /// ioctl_nsfs(2); fs/nsfs.c `ns_ioctl`.
    pub fn parent(&self) -> Result<Self> {
        self.open_related(NS_GET_PARENT)
    }

    fn open_related(&self, operation: u32) -> Result<Self> {
        let fd = self.ioctl(operation, 0)?;
        Self::from_ioctl(fd as RawFd)
    }

    fn ioctl(&self, operation: u32, argument: usize) -> Result<usize> {
        let fd = self.0.as_raw_fd();
        // SAFETY: only NS_GET_OWNER_UID writes memory, the u32 that `owner_uid` passes.
        unsafe { syscall(__NR_ioctl, [fd as usize, operation as usize, argument]) }
    }
}

impl AsFd for NamespaceFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<NamespaceFd> for OwnedFd {
    fn from(namespace: NamespaceFd) -> Self {
        namespace.0
    }
}
