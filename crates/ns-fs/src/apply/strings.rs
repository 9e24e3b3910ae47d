//! The strings of a plan in one buffer, which the child borrows and never frees.

use core::ffi::CStr;

/// A C string of a plan: its offset in the plan's [`Strings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StringRef(pub(crate) usize);

/// The contents of a file: an offset in the plan's [`Strings`] and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BytesRef(pub(crate) usize, pub(crate) usize);

/// C strings one after the other, each with the NUL that ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strings<'a>(pub(crate) &'a [u8]);

impl<'a> Strings<'a> {
    /// Returns the string; an offset of another plan may give any string, or an empty one.
    pub(crate) fn get(self, string: StringRef) -> &'a CStr {
        let bytes = self.0.get(string.0..).unwrap_or_default();
        CStr::from_bytes_until_nul(bytes).unwrap_or_default()
    }

    /// Returns the contents of a file.
    pub(crate) fn bytes(self, bytes: BytesRef) -> &'a [u8] {
        let rest = self.0.get(bytes.0..).unwrap_or_default();
        rest.get(..bytes.1).unwrap_or_default()
    }
}
