//! The path of a descriptor in `/proc`, for system calls that take no descriptor.

use core::ffi::CStr;
use core::fmt::{self, Write};

use ns_sys::fd::RawFd;

/// Enough for any descriptor number, and the NUL.
const LENGTH: usize = 32;

/// `/proc/self/fd/N`, on the stack.
pub(super) struct FdPath {
    bytes: [u8; LENGTH],
    written: usize,
}

impl FdPath {
    pub(super) fn new(fd: RawFd) -> Self {
        let mut path = Self { bytes: [0; LENGTH], written: 0 };
        // Cannot fail: `LENGTH` is enough.
        let _ = write!(path, "/proc/self/fd/{fd}");
        path
    }

    pub(super) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl Write for FdPath {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.written.saturating_add(text.len());
        // The last byte stays NUL.
        let free = self.bytes.get_mut(self.written..end).filter(|_| end < LENGTH);
        free.ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.written = end;
        Ok(())
    }
}
