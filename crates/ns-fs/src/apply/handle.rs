//! Descriptors of the steps: the working directory, and those that a step opens for itself.
#![allow(unsafe_code, reason = "AT_FDCWD, and an owned descriptor without std")]

use core::ffi::CStr;

use ns_sys::Result;
use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// `AT_FDCWD` of include/uapi/linux/fcntl.h.
const AT_FDCWD: i32 = -100;

/// The working directory, for system calls that take a directory descriptor.
// SAFETY: it is not -1, and no call closes it.
pub(super) const CWD: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(AT_FDCWD) };

/// An owned descriptor, closed by the bare system call on drop.
pub(crate) struct Handle(RawFd);

impl Handle {
    /// Takes ownership of a descriptor that a system call has just opened.
    pub(super) fn new(opened: RawFd) -> Self {
        Self(opened)
    }

    /// Gives up ownership.
    pub(super) fn into_raw(self) -> RawFd {
        core::mem::ManuallyDrop::new(self).0
    }
}

/// Borrows a descriptor that the plan's [`OpenTrees`](crate::OpenTrees) keeps open.
pub(super) fn borrow<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: it is not -1, and the list of trees, which the child borrows, keeps it open.
    unsafe { BorrowedFd::borrow_raw(number) }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: a successful call opened it, and only `drop` closes it.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl AsRawFd for Handle {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: this handle owns it, and is not used again.
        let _ = unsafe { child::close(self.0) };
    }
}

/// Opens a path without opening the file: `openat(dir, path, O_PATH | O_CLOEXEC | flags)`.
pub(super) fn open_path(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags) -> Result<Handle> {
    let flags = flags.union(OFlags::PATH).union(OFlags::CLOEXEC);
    child::openat(dir, path, flags, Mode::empty()).map(Handle::new)
}
