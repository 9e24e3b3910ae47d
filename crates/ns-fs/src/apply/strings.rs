//! The C strings of a plan, in one piece: a plan can lend it, and a child need free nothing.

use core::ffi::CStr;

/// Where a string begins in the [`Strings`] of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Text(pub(crate) usize);

/// C strings one after the other, each with the NUL that ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strings<'a>(pub(crate) &'a [u8]);

impl<'a> Strings<'a> {
    /// The string; empty for a [`Text`] of another plan.
    pub(crate) fn get(self, text: Text) -> &'a CStr {
        let bytes = self.0.get(text.0..).unwrap_or_default();
        CStr::from_bytes_until_nul(bytes).unwrap_or_default()
    }
}
