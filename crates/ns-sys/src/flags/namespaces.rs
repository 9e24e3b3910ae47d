//! The flags of setns(2): a set of kinds of namespace.

use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;

use super::text::{UnknownFlag, parse_list};
use crate::Namespace;

bitflags! {
    /// A set of kinds of namespace.
    ///
    /// ```
    /// use ns_sys::{Namespace, NamespaceFlags};
    ///
    /// let set: NamespaceFlags = [Namespace::Net, Namespace::Uts].into_iter().collect();
    /// assert_eq!(set, NamespaceFlags::NET | NamespaceFlags::UTS);
    /// assert_eq!("net,uts".parse(), Ok(set));
    /// assert!(set.kinds().eq([Namespace::Net, Namespace::Uts]));
    /// assert_eq!(set.to_string(), "net,uts");
    /// ```
    ///
    /// # Async-signal-safety
    /// All methods may be called between clone and exec.
    ///
    /// # References
    /// setns(2), namespaces(7).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct NamespaceFlags: u64 {
        /// [`Namespace::Cgroup`].
        const CGROUP = 0x0200_0000;
        /// [`Namespace::Ipc`].
        const IPC = 0x0800_0000;
        /// [`Namespace::Mnt`].
        const MNT = 0x0002_0000;
        /// [`Namespace::Net`].
        const NET = 0x4000_0000;
        /// [`Namespace::Pid`].
        const PID = 0x2000_0000;
        /// [`Namespace::Time`].
        const TIME = 0x0000_0080;
        /// [`Namespace::User`].
        const USER = 0x1000_0000;
        /// [`Namespace::Uts`].
        const UTS = 0x0400_0000;
    }
}

impl NamespaceFlags {
    /// The kinds in this set, in alphabetical order.
    pub fn kinds(self) -> impl Iterator<Item = Namespace> {
        Namespace::ALL.into_iter().filter(move |kind| self.contains(kind.flag()))
    }
}

impl fmt::Display for NamespaceFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("0");
        }
        for (index, kind) in self.kinds().enumerate() {
            write!(f, "{}{kind}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for NamespaceFlags {
    type Err = UnknownFlag;

    fn from_str(text: &str) -> Result<Self, UnknownFlag> {
        parse_list(text, |entry| match entry {
            // `Display` prints an empty set as 0.
            "0" => Some(Self::empty()),
            kind => kind.parse().ok().map(Namespace::flag),
        })
    }
}

impl From<Namespace> for NamespaceFlags {
    fn from(kind: Namespace) -> Self {
        kind.flag()
    }
}

impl FromIterator<Namespace> for NamespaceFlags {
    fn from_iter<I: IntoIterator<Item = Namespace>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::empty(), |set, kind| set | kind.flag())
    }
}
