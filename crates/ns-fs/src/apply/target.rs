//! The target of a mount, resolved inside the new root.

use core::ffi::CStr;

use ns_sys::child::{self, FileId, FileType, ResolveFlags};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::close_rest::PROC_SUPER_MAGIC;
use super::handle::Handle;
use super::in_root::{IN_ROOT, NO_LINKS, make_with, resolve_with};
use super::mount_step::TargetLimit;
use super::path_buffer::PathBuffer;
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
    pub(super) limit: TargetLimit,
    /// The position of its mount in the caller's list.
    pub(super) index: u32,
}

impl Target<'_> {
    /// Opens it, also if it is the root itself.
    pub(super) fn open(self) -> core::result::Result<Handle, StepError> {
        self.resolve().and_then(|opened| self.check(opened)).map_err(self.failed())
    }

    /// Opens it, or creates it with the type of `file_type` if it may be created.
    pub(super) fn open_or_make(
        self,
        file_type: impl FnOnce() -> Result<FileType>,
    ) -> core::result::Result<Handle, StepError> {
        let opened = match self.resolve() {
            Err(Errno::NOENT) if self.create => file_type().and_then(|file_type| {
                make_with(self.root.as_fd(), self.path, file_type, self.how())
            }),
            other => other,
        };
        opened.and_then(|opened| self.check(opened)).map_err(self.failed())
    }

    /// As [`open_or_make`](Self::open_or_make); the root itself is an error, because a mount on it would
    /// be hidden.
    pub(super) fn open_to_cover(
        self,
        file_type: impl FnOnce() -> Result<FileType>,
    ) -> core::result::Result<Handle, StepError> {
        let opened = self.open_or_make(file_type)?;
        // The path may contain a symbolic link to the root.
        let is_root = self.root.id.is_some() && child::file_id(opened.as_fd()).ok() == self.root.id;
        if is_root { Err(self.failed()(Errno::BUSY)) } else { Ok(opened) }
    }

    /// Opens it again, after it was covered.
    pub(super) fn reopen(self) -> Result<Handle> {
        self.resolve()
    }

    fn resolve(self) -> Result<Handle> {
        match self.limit {
            TargetLimit::Below(magic) => self.resolve_below(magic),
            _ => resolve_with(self.root.as_fd(), self.path, self.how()),
        }
    }

    /// Another process that renames the first directory could hide the file system that is mounted on it.
    fn resolve_below(self, magic: u64) -> Result<Handle> {
        let mut buffer = PathBuffer::new(self.path)?;
        let first = buffer.next_name().ok_or(Errno::NOENT)?;
        let top = match resolve_with(self.root.as_fd(), first, NO_LINKS) {
            // A missing target may be skipped; this is no missing target.
            Err(Errno::NOENT) => return Err(Errno::XDEV),
            other => other?,
        };
        if child::fstatfs(top.as_fd())?.magic != magic {
            return Err(Errno::XDEV);
        }
        resolve_with(top.as_fd(), buffer.rest().ok_or(Errno::NOENT)?, IN_ROOT)
    }

    fn how(self) -> ResolveFlags {
        if self.limit == TargetLimit::NoLinks { NO_LINKS } else { IN_ROOT }
    }

    /// The file itself is checked, because its path may contain symbolic links.
    fn check(self, opened: Handle) -> Result<Handle> {
        let is_refused = self.limit == TargetLimit::OutsideProc
            && child::fstatfs(opened.as_fd())?.magic == PROC_SUPER_MAGIC;
        if is_refused { Err(Errno::XDEV) } else { Ok(opened) }
    }

    fn failed(self) -> impl Fn(Errno) -> StepError {
        Step::MountTarget(self.index).failed()
    }
}
