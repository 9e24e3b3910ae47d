//! Directory entries, as getdents64(2) writes them.

/// The bytes of `d_reclen` in a `struct linux_dirent64`.
const LENGTH: core::ops::Range<usize> = 16..18;

/// The offset of `d_name`, which ends with a NUL.
const NAME: usize = 19;

/// Returns the names in a buffer that getdents64(2) has filled.
pub(super) fn entries(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let length = <[u8; 2]>::try_from(bytes.get(LENGTH)?).ok()?;
        let (entry, rest) = bytes.split_at_checked(usize::from(u16::from_ne_bytes(length)))?;
        bytes = rest;
        entry.get(NAME..)?.split(|byte| *byte == 0).next()
    })
}
