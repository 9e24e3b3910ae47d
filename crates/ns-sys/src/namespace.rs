//! The eight kinds of namespace and their names.

use core::fmt;
use core::str::FromStr;

use crate::flags::{CloneFlags, NamespaceFlags, UnshareFlags};

/// A kind of namespace, as listed in namespaces(7).
///
/// `Display` prints the name of its file in `/proc/PID/ns`. `FromStr` accepts that name and the name
/// of its clone flag, with or without `CLONE_`, in upper or lower case:
///
/// ```
/// use ns_sys::Namespace;
///
/// for text in ["mnt", "newns", "CLONE_NEWNS", "Mnt"] {
///     assert_eq!(text.parse(), Ok(Namespace::Mnt));
/// }
/// assert_eq!(Namespace::Mnt.to_string(), "mnt");
/// ```
///
/// # Async-signal-safety
/// All methods may be called between clone and exec.
///
/// # References
/// namespaces(7); include/uapi/linux/sched.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Namespace {
    /// The cgroup root directory that processes see; cgroup_namespaces(7), Linux 4.6.
    #[doc(alias = "CLONE_NEWCGROUP")]
    Cgroup,
    /// System V IPC and POSIX message queues; ipc_namespaces(7), Linux 2.6.19.
    #[doc(alias = "CLONE_NEWIPC")]
    Ipc,
    /// Mount points; mount_namespaces(7), Linux 2.4.19.
    #[doc(alias = "CLONE_NEWNS")]
    Mnt,
    /// Network devices, stacks and ports; network_namespaces(7), Linux 2.6.24.
    #[doc(alias = "CLONE_NEWNET")]
    Net,
    /// Process IDs; pid_namespaces(7), Linux 2.6.24.
    #[doc(alias = "CLONE_NEWPID")]
    Pid,
    /// The boot-time and monotonic clocks; time_namespaces(7), Linux 5.6.
    #[doc(alias = "CLONE_NEWTIME")]
    Time,
    /// User and group IDs, and capabilities; user_namespaces(7), Linux 2.6.23, usable since 3.8.
    #[doc(alias = "CLONE_NEWUSER")]
    User,
    /// Host and domain name; uts_namespaces(7), Linux 2.6.19.
    #[doc(alias = "CLONE_NEWUTS")]
    Uts,
}

impl Namespace {
    /// All eight kinds, in alphabetical order.
    pub const ALL: [Self; 8] = [
        Self::Cgroup,
        Self::Ipc,
        Self::Mnt,
        Self::Net,
        Self::Pid,
        Self::Time,
        Self::User,
        Self::Uts,
    ];

    /// The name of its file in `/proc/PID/ns`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Ipc => "ipc",
            Self::Mnt => "mnt",
            Self::Net => "net",
            Self::Pid => "pid",
            Self::Time => "time",
            Self::User => "user",
            Self::Uts => "uts",
        }
    }

    /// The flag of clone3(2) that creates a namespace of this kind.
    pub const fn clone_flag(self) -> CloneFlags {
        match self {
            Self::Cgroup => CloneFlags::NEWCGROUP,
            Self::Ipc => CloneFlags::NEWIPC,
            Self::Mnt => CloneFlags::NEWNS,
            Self::Net => CloneFlags::NEWNET,
            Self::Pid => CloneFlags::NEWPID,
            Self::Time => CloneFlags::NEWTIME,
            Self::User => CloneFlags::NEWUSER,
            Self::Uts => CloneFlags::NEWUTS,
        }
    }

    /// The flag of unshare(2) that creates a namespace of this kind.
    pub const fn unshare_flag(self) -> UnshareFlags {
        UnshareFlags::from_bits_truncate(self.clone_flag().bits())
    }

    /// The flag of setns(2) that selects this kind.
    pub const fn flag(self) -> NamespaceFlags {
        NamespaceFlags::from_bits_truncate(self.clone_flag().bits())
    }

    /// The name of its clone flag, without `CLONE_`.
    const fn flag_name(self) -> &'static str {
        match self {
            Self::Cgroup => "NEWCGROUP",
            Self::Ipc => "NEWIPC",
            Self::Mnt => "NEWNS",
            Self::Net => "NEWNET",
            Self::Pid => "NEWPID",
            Self::Time => "NEWTIME",
            Self::User => "NEWUSER",
            Self::Uts => "NEWUTS",
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The error of parsing a [`Namespace`]: the text is not the name of a kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownNamespace;

impl fmt::Display for UnknownNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a namespace; one of cgroup, ipc, mnt, net, pid, time, user, uts")
    }
}

impl core::error::Error for UnknownNamespace {}

impl FromStr for Namespace {
    type Err = UnknownNamespace;

    fn from_str(text: &str) -> Result<Self, UnknownNamespace> {
        let name = crate::flags::without_prefix(text);
        Self::ALL
            .into_iter()
            .find(|kind| {
                name.eq_ignore_ascii_case(kind.flag_name())
                    || text.eq_ignore_ascii_case(kind.name())
            })
            .ok_or(UnknownNamespace)
    }
}
