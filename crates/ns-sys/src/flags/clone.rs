//! The flags of clone3(2).

use bitflags::bitflags;

use super::{NamespaceFlags, UnshareFlags};

bitflags! {
    /// The flags of clone3(2): what the child shares with its parent, what is created for it, and what
    /// the kernel reports.
    ///
    /// This crate defines the values itself, because the libc crate declares `CLONE_INTO_CGROUP` and
    /// `CLONE_CLEAR_SIGHAND` as `int` on glibc, where they are 0. Bits without a name are kept and
    /// printed in hexadecimal; [`CloneArgs::validate`](crate::CloneArgs::validate) rejects them.
    ///
    /// `FromStr` reads a list of names, separated by `|` or `,`, in upper or lower case, with or without
    /// `CLONE_`. It also reads the short names of pyspaces (`uts`, `mnt`, `settid`, …) and hexadecimal
    /// numbers:
    ///
    /// ```
    /// use ns_sys::CloneFlags;
    ///
    /// assert_eq!("settid".parse(), Ok(CloneFlags::PARENT_SETTID));
    /// assert_eq!("newuser,CLONE_FS | 0x80".parse(),
    ///            Ok(CloneFlags::NEWUSER | CloneFlags::FS | CloneFlags::NEWTIME));
    /// assert_eq!((CloneFlags::NEWUSER | CloneFlags::FS).to_string(), "CLONE_FS | CLONE_NEWUSER");
    /// ```
    ///
    /// # References
    /// clone(2); include/uapi/linux/sched.h.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct CloneFlags: u64 {
        /// Create a time namespace; since Linux 5.6, with clone3 only.
        #[doc(alias = "CLONE_NEWTIME")]
        const NEWTIME = 0x0000_0080;
        /// Share memory; since Linux 2.0.
        #[doc(alias = "CLONE_VM")]
        const VM = 0x0000_0100;
        /// Share root, working directory and umask; since Linux 2.0.
        #[doc(alias = "CLONE_FS")]
        const FS = 0x0000_0200;
        /// Share the descriptor table; since Linux 2.0.
        #[doc(alias = "CLONE_FILES")]
        const FILES = 0x0000_0400;
        /// Share signal dispositions; needs `VM`; since Linux 2.0. If `NEWPID` is set too, the parent
        /// ignores `SIGCHLD` once the child has terminated (kernel/pid_namespace.c).
        #[doc(alias = "CLONE_SIGHAND")]
        const SIGHAND = 0x0000_0800;
        /// Store a pidfd of the child; since Linux 5.2, together with `THREAD` since 6.9.
        #[doc(alias = "CLONE_PIDFD")]
        const PIDFD = 0x0000_1000;
        /// If the parent is traced, trace the child too; since Linux 2.2.
        #[doc(alias = "CLONE_PTRACE")]
        const PTRACE = 0x0000_2000;
        /// Suspend the parent until the child has executed a program or terminated; since Linux 2.2.
        #[doc(alias = "CLONE_VFORK")]
        const VFORK = 0x0000_4000;
        /// Make the child a sibling of the caller, with the same parent; since Linux 2.3.12.
        #[doc(alias = "CLONE_PARENT")]
        const PARENT = 0x0000_8000;
        /// Create a thread of the caller's process; needs `SIGHAND`; since Linux 2.4.
        #[doc(alias = "CLONE_THREAD")]
        const THREAD = 0x0001_0000;
        /// Create a mount namespace; since Linux 2.4.19.
        #[doc(alias = "CLONE_NEWNS")]
        const NEWNS = 0x0002_0000;
        /// Share System V semaphore adjustments; since Linux 2.5.10.
        #[doc(alias = "CLONE_SYSVSEM")]
        const SYSVSEM = 0x0004_0000;
        /// Set the thread-local storage descriptor; since Linux 2.5.32.
        #[doc(alias = "CLONE_SETTLS")]
        const SETTLS = 0x0008_0000;
        /// Store the child's thread ID in the parent's memory; since Linux 2.5.49.
        #[doc(alias = "CLONE_PARENT_SETTID")]
        const PARENT_SETTID = 0x0010_0000;
        /// Clear the thread ID in the child's memory, and wake a futex there, when the child executes a
        /// program or terminates; since Linux 2.5.49.
        #[doc(alias = "CLONE_CHILD_CLEARTID")]
        const CHILD_CLEARTID = 0x0020_0000;
        /// No effect since Linux 2.6.2; clone3 does not accept it.
        #[doc(alias = "CLONE_DETACHED")]
        const DETACHED = 0x0040_0000;
        /// Prevent a tracer of the parent from forcing `PTRACE` on the child; since Linux 2.5.46.
        #[doc(alias = "CLONE_UNTRACED")]
        const UNTRACED = 0x0080_0000;
        /// Store the child's thread ID in the child's memory; since Linux 2.5.49.
        #[doc(alias = "CLONE_CHILD_SETTID")]
        const CHILD_SETTID = 0x0100_0000;
        /// Create a cgroup namespace; since Linux 4.6.
        #[doc(alias = "CLONE_NEWCGROUP")]
        const NEWCGROUP = 0x0200_0000;
        /// Create a UTS namespace; since Linux 2.6.19.
        #[doc(alias = "CLONE_NEWUTS")]
        const NEWUTS = 0x0400_0000;
        /// Create an IPC namespace; since Linux 2.6.19.
        #[doc(alias = "CLONE_NEWIPC")]
        const NEWIPC = 0x0800_0000;
        /// Create a user namespace; since Linux 2.6.23, without privilege since 3.8.
        #[doc(alias = "CLONE_NEWUSER")]
        const NEWUSER = 0x1000_0000;
        /// Create a pid namespace; since Linux 2.6.24.
        #[doc(alias = "CLONE_NEWPID")]
        const NEWPID = 0x2000_0000;
        /// Create a network namespace; since Linux 2.6.24.
        #[doc(alias = "CLONE_NEWNET")]
        const NEWNET = 0x4000_0000;
        /// Share the I/O context; since Linux 2.6.25.
        #[doc(alias = "CLONE_IO")]
        const IO = 0x8000_0000;
        /// Reset handled signals to their default dispositions; ignored signals stay ignored; since
        /// Linux 5.5, with clone3 only.
        #[doc(alias = "CLONE_CLEAR_SIGHAND")]
        const CLEAR_SIGHAND = 0x1_0000_0000;
        /// Create the child in the given cgroup; since Linux 5.7, with clone3 only.
        #[doc(alias = "CLONE_INTO_CGROUP")]
        const INTO_CGROUP = 0x2_0000_0000;

        const _ = !0;
    }
}

super::text::as_text!(CloneFlags);

impl From<NamespaceFlags> for CloneFlags {
    fn from(flags: NamespaceFlags) -> Self {
        Self::from_bits_retain(flags.bits())
    }
}

impl From<UnshareFlags> for CloneFlags {
    fn from(flags: UnshareFlags) -> Self {
        Self::from_bits_retain(flags.bits())
    }
}
