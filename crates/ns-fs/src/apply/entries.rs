//! The entries of a directory, as getdents64(2) wrote them.

/// Where the length of a `struct linux_dirent64` stands, in bytes.
const LENGTH: core::ops::Range<usize> = 16..18;

/// Where its name begins, which ends with a NUL.
const NAME: usize = 19;

/// The names in what getdents64(2) wrote.
pub(super) fn entries(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let length = <[u8; 2]>::try_from(bytes.get(LENGTH)?).ok()?;
        let (entry, rest) = bytes.split_at_checked(usize::from(u16::from_ne_bytes(length)))?;
        bytes = rest;
        entry.get(NAME..)?.split(|byte| *byte == 0).next()
    })
}
