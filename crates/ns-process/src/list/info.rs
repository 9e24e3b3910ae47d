//! What is known about a namespace.

use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::{fmt, slice, vec};

use ns_sys::{Errno, Namespace, NamespaceId};

/// The result of [`namespaces`](crate::namespaces).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Namespaces {
    /// The namespaces, ordered by inode.
    pub list: Vec<NamespaceInfo>,
    /// The processes whose namespaces the caller may not read. Processes that `/proc` hides are not included.
    pub unreadable: Vec<u32>,
}

impl Namespaces {
    /// The namespaces, ordered by inode.
    pub fn iter(&self) -> slice::Iter<'_, NamespaceInfo> {
        self.list.iter()
    }
}

impl IntoIterator for Namespaces {
    type Item = NamespaceInfo;
    type IntoIter = vec::IntoIter<NamespaceInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Namespaces {
    type Item = &'a NamespaceInfo;
    type IntoIter = slice::Iter<'a, NamespaceInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A namespace, with its members, files, owner and parent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespaceInfo {
    /// The kind.
    pub kind: Namespace,
    /// The device and inode. The links of `/proc/PID/ns` show the inode in brackets.
    pub id: NamespaceId,
    /// The process IDs of the visible members, in ascending order.
    pub members: Vec<u32>,
    /// The first member.
    pub first: Option<Member>,
    /// The files to which it is bound.
    pub files: Vec<NamespaceFile>,
    /// The user namespace that owns it; for a user namespace, its parent. `Ok(None)`: it is the initial user
    /// namespace.
    ///
    /// This error, and those of the next two fields: `EPERM`, the namespace is not visible from the caller's;
    /// `EACCES`, the namespace is known only by a mount that the caller cannot open; `ENOTTY`, the kernel is older
    /// than 4.11.
    pub owner: Result<Option<NamespaceId>, Errno>,
    /// The user ID that created the owning user namespace, or this one if it is a user namespace, as seen from the
    /// caller's user namespace.
    pub owner_uid: Result<Option<u32>, Errno>,
    /// The parent of a user or pid namespace; `Ok(None)` for the initial ones and for other kinds.
    pub parent: Result<Option<NamespaceId>, Errno>,
}

/// A process in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The process ID.
    pub pid: u32,
    /// The effective user ID, as seen from the caller's user namespace.
    pub uid: Option<u32>,
    /// The arguments, separated by blanks; without arguments, the name in brackets.
    pub command: String,
}

/// A file to which a namespace is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct NamespaceFile {
    /// The path, in the mount namespace that has the file.
    pub path: PathBuf,
    /// The inode of that mount namespace.
    pub mnt: u64,
}

/// As the links in `/proc/PID/ns`: `uts:[4026531838]`.
impl fmt::Display for NamespaceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:[{}]", self.kind, self.id.ino)
    }
}

impl NamespaceInfo {
    /// A namespace without further information.
    pub(super) fn new(kind: Namespace, id: NamespaceId) -> Self {
        Self {
            kind,
            id,
            members: Vec::new(),
            first: None,
            files: Vec::new(),
            owner: Ok(None),
            owner_uid: Ok(None),
            parent: Ok(None),
        }
    }
}
