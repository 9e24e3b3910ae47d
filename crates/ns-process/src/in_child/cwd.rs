//! The working directory as the `dirfd` argument of calls such as openat(2).
#![allow(unsafe_code, reason = "AT_FDCWD is not an owned descriptor")]

use ns_sys::fd::BorrowedFd;

/// include/uapi/linux/fcntl.h.
const AT_FDCWD: i32 = -100;

/// `AT_FDCWD`.
pub(super) fn cwd() -> BorrowedFd<'static> {
    // SAFETY: the value is not -1, and close(2) does not apply to it.
    unsafe { BorrowedFd::borrow_raw(AT_FDCWD) }
}
