//! The C strings of a plan in one buffer, which the child borrows and never frees.

use core::ffi::CStr;

/// A string of a plan: its offset in the plan's [`Strings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StringRef(pub(crate) usize);

/// C strings one after the other, each with the NUL that ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strings<'a>(pub(crate) &'a [u8]);

impl<'a> Strings<'a> {
    /// Returns the string; an offset of another plan may give any string, or an empty one.
    pub(crate) fn get(self, string: StringRef) -> &'a CStr {
        let bytes = self.0.get(string.0..).unwrap_or_default();
        CStr::from_bytes_until_nul(bytes).unwrap_or_default()
    }
}
