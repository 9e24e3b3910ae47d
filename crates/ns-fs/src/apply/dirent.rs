//! The entries of a directory, as getdents64(2) writes them.

use core::ffi::CStr;

/// Offsets in `struct linux_dirent64` of include/linux/dirent.h.
const D_RECLEN: core::ops::Range<usize> = 16..18;
const D_NAME: usize = 19;

/// Returns the names in a buffer that getdents64(2) has filled, each with the number of bytes after its entry.
pub(super) fn entries(mut bytes: &[u8]) -> impl Iterator<Item = (usize, &CStr)> {
    core::iter::from_fn(move || {
        let length = <[u8; 2]>::try_from(bytes.get(D_RECLEN)?).ok()?;
        let (entry, rest) = bytes.split_at_checked(usize::from(u16::from_ne_bytes(length)))?;
        bytes = rest;
        let name = CStr::from_bytes_until_nul(entry.get(D_NAME..)?).ok()?;
        Some((rest.len(), name))
    })
}
