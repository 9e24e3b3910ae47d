//! Descriptors that refer to a path without opening the file.

use core::ffi::CStr;

use ns_sys::Result;
use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::BorrowedFd;

use super::handle::Handle;

/// `openat(dir, path, O_PATH | O_CLOEXEC | flags)`.
pub(super) fn open_path(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags) -> Result<Handle> {
    let flags = flags.union(OFlags::PATH).union(OFlags::CLOEXEC);
    child::openat(dir, path, flags, Mode::empty()).map(Handle::new)
}
