//! The working directory, for system calls that take a directory descriptor.
#![allow(unsafe_code, reason = "AT_FDCWD is not an open descriptor")]

use ns_sys::fd::BorrowedFd;

/// `AT_FDCWD` of include/uapi/linux/fcntl.h.
const AT_FDCWD: i32 = -100;

/// The working directory.
// SAFETY: it is not -1, and no call closes it.
pub(super) const CWD: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(AT_FDCWD) };
