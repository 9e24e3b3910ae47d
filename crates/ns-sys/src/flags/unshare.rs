//! The flags of unshare(2) that are safe to use.

use bitflags::bitflags;

use super::NamespaceFlags;

bitflags! {
    /// The flags of [`unshare`](crate::unshare): what the calling thread stops sharing.
    ///
    /// `CLONE_FILES` is missing because it is not safe: it separates descriptors from their owners in
    /// other threads. Use [`unshare_files`](crate::unshare_files). `CLONE_THREAD`, `CLONE_SIGHAND` and
    /// `CLONE_VM` are missing because unshare(2) only checks them and changes nothing.
    ///
    /// ```
    /// use ns_sys::{Namespace, UnshareFlags};
    ///
    /// assert_eq!("newuts|FS".parse(), Ok(UnshareFlags::NEWUTS | UnshareFlags::FS));
    /// assert_eq!(Namespace::Uts.unshare_flag(), UnshareFlags::NEWUTS);
    /// ```
    ///
    /// # References
    /// unshare(2); kernel/fork.c `ksys_unshare`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct UnshareFlags: u64 {
        /// Create a time namespace for future children; since Linux 5.6.
        const NEWTIME = 0x0000_0080;
        /// Stop sharing root, working directory and umask; since Linux 2.6.16.
        const FS = 0x0000_0200;
        /// Create a mount namespace, and imply `FS`; since Linux 2.6.16.
        const NEWNS = 0x0002_0000;
        /// Stop sharing System V semaphore adjustments; since Linux 2.6.26.
        const SYSVSEM = 0x0004_0000;
        /// Create a cgroup namespace; since Linux 4.6.
        const NEWCGROUP = 0x0200_0000;
        /// Create a UTS namespace; since Linux 2.6.19.
        const NEWUTS = 0x0400_0000;
        /// Create an IPC namespace, and imply `SYSVSEM`; since Linux 2.6.19.
        const NEWIPC = 0x0800_0000;
        /// Create a user namespace, and imply `FS`; the process must have one thread; since Linux 3.8.
        const NEWUSER = 0x1000_0000;
        /// Create a pid namespace for future children; since Linux 3.8.
        const NEWPID = 0x2000_0000;
        /// Create a network namespace; since Linux 2.6.24.
        const NEWNET = 0x4000_0000;
    }
}

super::text::as_text!(UnshareFlags);

impl From<NamespaceFlags> for UnshareFlags {
    fn from(flags: NamespaceFlags) -> Self {
        Self::from_bits_truncate(flags.bits())
    }
}
