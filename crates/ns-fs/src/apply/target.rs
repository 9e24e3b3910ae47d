//! The target of a mount, resolved inside the new root.

use core::ffi::CStr;

use ns_sys::child::{self, FileId, FileType};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::handle::Handle;
use super::in_root::{make, resolve};
use crate::{Step, StepError};

/// The directory in which targets are resolved.
#[derive(Clone, Copy)]
pub(super) struct TargetRoot<'a> {
    directory: BorrowedFd<'a>,
    /// `None` if statx(2) is missing.
    id: Option<FileId>,
}

impl<'a> TargetRoot<'a> {
    pub(super) fn new(directory: BorrowedFd<'a>) -> Self {
        Self { directory, id: child::file_id(directory).ok() }
    }

    pub(super) fn as_fd(self) -> BorrowedFd<'a> {
        self.directory
    }
}

/// A path in the new root, not yet resolved.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) root: TargetRoot<'a>,
    pub(super) path: &'a CStr,
    pub(super) create: bool,
    /// The position of its mount in the caller's list.
    pub(super) index: u32,
}

impl Target<'_> {
    /// Opens it, also if it is the root itself.
    pub(super) fn open(self) -> core::result::Result<Handle, StepError> {
        resolve(self.root.as_fd(), self.path).map_err(self.failed())
    }

    /// Opens it, or creates it with the type of `file_type` if it may be created.
    pub(super) fn open_or_make(
        self,
        file_type: impl FnOnce() -> FileType,
    ) -> core::result::Result<Handle, StepError> {
        let opened = match resolve(self.root.as_fd(), self.path) {
            Err(Errno::NOENT) if self.create => make(self.root.as_fd(), self.path, file_type()),
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
        // The path may contain a symbolic link to the root.
        let is_root = self.root.id.is_some() && child::file_id(opened.as_fd()).ok() == self.root.id;
        if is_root { Err(self.failed()(Errno::BUSY)) } else { Ok(opened) }
    }

    /// Opens it again, after it was covered.
    pub(super) fn reopen(self) -> Result<Handle> {
        resolve(self.root.as_fd(), self.path)
    }

    fn failed(self) -> impl Fn(Errno) -> StepError {
        Step::MountTarget(self.index).failed()
    }
}
