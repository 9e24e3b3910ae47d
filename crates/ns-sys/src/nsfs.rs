//! Namespaces held open by a descriptor, and what nsfs tells about them.
#![allow(unsafe_code, reason = "the ioctls of nsfs")]

use linux_raw_sys::general::__NR_ioctl;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use rustix::fs::{FsWord, fstat, fstatfs};

use crate::arch::syscall;
use crate::flags::NamespaceFlags;
use crate::{Errno, Namespace, Result};

/// `NSIO` of include/uapi/linux/nsfs.h.
const fn nsio(number: u32) -> u32 {
    0xb700 | number
}

const NS_GET_USERNS: u32 = nsio(1);
const NS_GET_PARENT: u32 = nsio(2);
const NS_GET_NSTYPE: u32 = nsio(3);
const NS_GET_OWNER_UID: u32 = nsio(4);

/// `NSFS_MAGIC` of include/uapi/linux/magic.h.
const NSFS_MAGIC: FsWord = 0x6e73_6673;

/// A descriptor that is known to hold a namespace, of whatever kind.
///
/// The namespace lives as long as the descriptor, with or without processes in it.
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

/// Tells namespaces apart while they exist; two descriptors hold the same one exactly when this is
/// equal. A number may be used again after the namespace is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceId {
    /// The device of nsfs.
    pub dev: u64,
    /// The inode, which `/proc/PID/ns` shows in brackets.
    pub ino: u64,
}

impl NamespaceFd {
    /// Takes a descriptor, if it is one of a namespace.
    ///
    /// # Errors
    /// - `ENOTTY`: it is not; the descriptor is closed.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: an owner closes through the runtime.
    ///
    /// # Kernel support
    /// Linux 3.19, where nsfs began.
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

    /// Owns what an ioctl returned, once it is seen to be a namespace: the file that was asked may
    /// have been another one, whose driver answers what it likes.
    pub(crate) fn returned(fd: RawFd) -> Result<Self> {
        // SAFETY: looked at only; were it not open, fstatfs would say so.
        let seen = unsafe { BorrowedFd::borrow_raw(fd) };
        if fstatfs(seen)?.f_type != NSFS_MAGIC {
            return Err(Errno::NOTTY);
        }
        // SAFETY: the kernel has just made this descriptor of a namespace for this caller.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// `ioctl(fd, NS_GET_NSTYPE)` — which kind it is.
    ///
    /// # Errors
    /// - `ENOTTY`: before Linux 4.11.
    /// - `EINVAL`: a kind that this crate does not know.
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

    /// `fstat(fd)` — the device and inode, by which namespaces are compared.
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

    /// `ioctl(fd, NS_GET_OWNER_UID)` — the uid, as the caller sees it, that made this user
    /// namespace; the overflow id if it has none here.
    ///
    /// # Errors
    /// - `EINVAL`: not a user namespace.
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

    /// `ioctl(fd, NS_GET_USERNS)` — the user namespace that owns this one; of a user namespace, its
    /// parent.
    ///
    /// # Errors
    /// - `EPERM`: it lies outside what the caller's user namespace sees.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: it makes an owner.
    ///
    /// # Kernel support
    /// Linux 4.9.
    ///
    /// # References
    /// ioctl_nsfs(2); fs/nsfs.c `ns_ioctl`.
    pub fn user_namespace(&self) -> Result<Self> {
        self.related(NS_GET_USERNS)
    }

    /// `ioctl(fd, NS_GET_PARENT)` — the parent of this user or pid namespace.
    ///
    /// # Errors
    /// - `EINVAL`: neither a user nor a pid namespace.
    /// - `EPERM`: the initial one, or the parent lies outside what the caller sees.
    ///
    /// # Async-signal-safety
    /// Not between clone and exec: it makes an owner.
    ///
    /// # Kernel support
    /// Linux 4.9.
    ///
    /// # References
    /// ioctl_nsfs(2); fs/nsfs.c `ns_ioctl`.
    pub fn parent(&self) -> Result<Self> {
        self.related(NS_GET_PARENT)
    }

    fn related(&self, operation: u32) -> Result<Self> {
        let fd = self.ioctl(operation, 0)?;
        Self::returned(fd as RawFd)
    }

    fn ioctl(&self, operation: u32, argument: usize) -> Result<usize> {
        let fd = self.0.as_raw_fd();
        // SAFETY: NS_GET_OWNER_UID writes the u32 that its one caller gives; the others no memory.
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
