//! The working directory, as the calls that begin at a directory take it.
#![allow(unsafe_code, reason = "AT_FDCWD is no descriptor that anybody owns")]

use ns_sys::fd::BorrowedFd;

/// `AT_FDCWD` of include/uapi/linux/fcntl.h.
const AT_FDCWD: i32 = -100;

/// The working directory.
pub(super) fn here() -> BorrowedFd<'static> {
    // SAFETY: not -1, and never closed.
    unsafe { BorrowedFd::borrow_raw(AT_FDCWD) }
}
