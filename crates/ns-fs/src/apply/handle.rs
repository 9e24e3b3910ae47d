//! A descriptor that a step opens for itself.
#![allow(unsafe_code, reason = "an owned descriptor without std")]

use ns_sys::child;
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// An owned descriptor, closed by the bare system call on drop.
pub(super) struct Handle(RawFd);

impl Handle {
    /// Takes ownership of a descriptor that a system call has just opened.
    pub(super) fn new(opened: RawFd) -> Self {
        Self(opened)
    }
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
