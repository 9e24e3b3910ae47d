//! A descriptor that a step needs for itself.
#![allow(unsafe_code, reason = "an owner without the runtime")]

use ns_sys::child;
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A descriptor of a step's own, closed by the bare call when the step is over.
pub(super) struct Handle(RawFd);

impl Handle {
    /// Takes what a call has just opened.
    pub(super) fn new(opened: RawFd) -> Self {
        Self(opened)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: opened by a call that succeeded, and closed by `drop` alone.
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
        // SAFETY: it is this handle's own.
        let _ = unsafe { child::close(self.0) };
    }
}
