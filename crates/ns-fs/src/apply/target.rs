//! The target of a mount, resolved inside the new root.

use core::ffi::CStr;

use ns_sys::child::{self, FileType};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::handle::Handle;
use super::in_root::{make, resolve};
use crate::{Step, StepError};

/// A path in the new root, not yet resolved.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) root: BorrowedFd<'a>,
    pub(super) path: &'a CStr,
    pub(super) create: bool,
    /// The position of its mount in the caller's list.
    pub(super) index: u32,
}

impl Target<'_> {
    /// Opens it, also if it is the root itself.
    pub(super) fn open(self) -> core::result::Result<Handle, StepError> {
        resolve(self.root, self.path).map_err(self.failed())
    }

    /// Opens it, or creates it with the type of `file_type` if it may be created.
    pub(super) fn open_or_make(
        self,
        file_type: impl FnOnce() -> FileType,
    ) -> core::result::Result<Handle, StepError> {
        let opened = match resolve(self.root, self.path) {
            Err(Errno::NOENT) if self.create => make(self.root, self.path, file_type()),
            other => other,
        };
        opened.map_err(self.failed())
    }

    /// As [`open_or_make`](Self::open_or_make); the root itself is an error, because a mount on it would
    /// be hidden.
    pub(super) fn open_to_cover(
        self,
        file_type: impl FnOnce() -> FileType,
    ) -> core::result::Result<Handle, StepError> {
        let opened = self.open_or_make(file_type)?;
        if is_same_file(self.root, opened.as_fd()) {
            return Err(self.failed()(Errno::BUSY));
        }
        Ok(opened)
    }

    /// Opens it once more, after something was mounted on it.
    pub(super) fn reopen(self) -> Result<Handle> {
        resolve(self.root, self.path)
    }

    fn failed(self) -> impl Fn(Errno) -> StepError {
        Step::MountTarget(self.index).failed()
    }
}

/// Whether both are the same file: the path of a target may contain a symbolic link to the root. Always
/// false if statx(2) is missing.
fn is_same_file(root: BorrowedFd<'_>, target: BorrowedFd<'_>) -> bool {
    matches!((child::file_id(root), child::file_id(target)), (Ok(root), Ok(target)) if root == target)
}
