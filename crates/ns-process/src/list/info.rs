//! What is told of a namespace.

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
    /// The user namespace that owns it; of a user namespace, its parent.
    pub owner: Told<NamespaceId>,
    /// Who made that, or this if it is a user namespace: the uid, as the caller sees it.
    pub owner_uid: Told<u32>,
    /// Its parent, if it is a user or a pid namespace.
    pub parent: Told<NamespaceId>,
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

/// Something that the kernel may or may not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told<T> {
    /// What it told.
    Is(T),
    /// There is none.
    None,
    /// It did not say. `EPERM`: it lies outside what the caller sees; `ENOTTY`: the kernel is too old.
    Hidden(Errno),
}

impl<T> Told<T> {
    /// What was told, if it was.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Is(told) => Some(told),
            Self::None | Self::Hidden(_) => None,
        }
    }
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
            owner: Told::None,
            owner_uid: Told::None,
            parent: Told::None,
        }
    }
}
