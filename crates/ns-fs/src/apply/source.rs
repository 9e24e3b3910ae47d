//! The sources of binds: opened before the first mount, by the caller, or when they are mounted.

use core::ffi::CStr;
use core::sync::atomic::{AtomicI32, Ordering};

use ns_sys::child::{self, OFlags, OpenTreeFlags};
use ns_sys::fd::{AsFd, BorrowedFd, RawFd};
use ns_sys::{Errno, Result};

use super::bind::is_same;
use super::handle::{CWD, Handle, borrow, open_path};

/// A descriptor that the child opens before the first mount and uses at its turn.
#[derive(Debug)]
pub(crate) struct Slot(AtomicI32);

const EMPTY: i32 = -1;
const MISSING: i32 = -2;

impl Slot {
    pub(crate) const fn empty() -> Self {
        Self(AtomicI32::new(EMPTY))
    }

    pub(super) fn store(&self, handle: Handle) {
        self.0.store(handle.into_raw(), Ordering::Relaxed);
    }

    /// Forgets what an earlier child has stored, and closed when it ended.
    pub(super) fn clear(&self) {
        self.0.store(EMPTY, Ordering::Relaxed);
    }

    /// The source did not exist before the first mount.
    pub(super) fn store_missing(&self) {
        self.0.store(MISSING, Ordering::Relaxed);
    }

    pub(super) fn is_missing(&self) -> bool {
        self.0.load(Ordering::Relaxed) == MISSING
    }

    pub(super) fn take(&self) -> Option<Handle> {
        let number = self.0.swap(EMPTY, Ordering::Relaxed);
        (number >= 0).then(|| Handle::new(number))
    }
}

/// A tree that the caller has opened for the child.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OpenedTree {
    /// It is detached and has its attributes.
    Detached(RawFd),
    /// A file; the child opens its path again, because it lies in the caller's mount namespace.
    File(RawFd),
}

/// What a bind attaches.
pub(super) enum Opened<'a> {
    /// A detached tree.
    Tree(Handle),
    /// A detached tree of the caller, which has its attributes.
    Callers(BorrowedFd<'a>),
    /// A file or directory, before Linux 5.2.
    File(Handle),
}

impl AsFd for Opened<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tree(handle) | Self::File(handle) => handle.as_fd(),
            Self::Callers(tree) => *tree,
        }
    }
}

/// Clones the tree at a path; an empty path is `dir` itself.
pub(super) fn clone_tree(
    dir: BorrowedFd<'_>,
    path: &CStr,
    recursive: bool,
) -> Result<Opened<'static>> {
    match open_tree(dir, path, recursive) {
        Ok(tree) => Ok(Opened::Tree(tree)),
        Err(Errno::NOSYS) if path.is_empty() => {
            child::fcntl_dupfd_cloexec(dir, 0).map(|fd| Opened::File(Handle::new(fd)))
        }
        Err(Errno::NOSYS) => open_path(dir, path, OFlags::empty()).map(Opened::File),
        Err(errno) => Err(errno),
    }
}

/// As [`clone_tree`], for a tree that the caller has opened.
pub(super) fn callers_tree<'a>(
    tree: OpenedTree,
    path: &CStr,
    recursive: bool,
) -> Result<Opened<'a>> {
    let file = match tree {
        OpenedTree::Detached(tree) => return Ok(Opened::Callers(borrow(tree))),
        OpenedTree::File(file) => borrow(file),
    };
    let opened = clone_tree(CWD, path, recursive)?;
    // Another file may have its path now.
    if is_same(opened.as_fd(), file)? { Ok(opened) } else { Err(Errno::STALE) }
}

/// `open_tree(dir, path, OPEN_TREE_CLONE | …)`.
fn open_tree(dir: BorrowedFd<'_>, path: &CStr, recursive: bool) -> Result<Handle> {
    let empty = OpenTreeFlags::AT_EMPTY_PATH;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC).union(empty);
    let flags = if recursive { flags.union(OpenTreeFlags::AT_RECURSIVE) } else { flags };
    child::open_tree(dir, path, flags).map(Handle::new)
}
