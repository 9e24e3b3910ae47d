//! Writes a small file of proc.
#![allow(unsafe_code, reason = "a raw descriptor")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::BorrowedFd;

/// Writes `text` to an existing file below `dir`, by one write(2).
pub(super) fn write_file(dir: BorrowedFd<'_>, path: &CStr, text: &[u8]) -> Result<(), Errno> {
    let number = child::openat(dir, path, OFlags::WRONLY.union(OFlags::CLOEXEC), Mode::empty())?;
    // SAFETY: openat(2) has just returned it, and only the end of this function closes it.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    let written = child::write(file, text);
    // SAFETY: this function opened the descriptor; `file` is not used again.
    let _ = unsafe { child::close(number) };
    written.map(drop)
}
