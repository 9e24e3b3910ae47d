//! What is known about a namespace.

use std::path::PathBuf;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, Namespace, NamespaceId};

/// What [`namespaces`](crate::namespaces) found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Namespaces {
    /// In the order of their numbers.
    pub list: Vec<NamespaceInfo>,
    /// Processes whose namespaces the caller may not see; those that `/proc` hides are not among them.
    pub unreadable: Vec<u32>,
}

/// A namespace, and who has to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespaceInfo {
    /// Its kind.
    pub kind: Namespace,
    /// Its device and inode; the inode is what `/proc/PID/ns` shows in brackets.
    pub id: NamespaceId,
    /// The processes in it that the caller sees, by their ids; the lowest first.
    pub members: Vec<u32>,
    /// The first of them.
    pub first: Option<Member>,
    /// The files at which it is bound.
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
    /// Its id.
    pub pid: u32,
    /// Its effective uid, as the caller sees it.
    pub uid: Option<u32>,
    /// Its arguments with blanks between them, or its name in brackets where it has none.
    pub command: String,
}

/// A file at which a namespace is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct NamespaceFile {
    /// Where, in its mount namespace.
    pub path: PathBuf,
    /// The inode of that mount namespace.
    pub mnt: u64,
}

impl NamespaceInfo {
    /// One of which nothing more is known.
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
