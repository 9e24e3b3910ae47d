//! A decimal number as a C string, for the argument list of a program.

use core::ffi::CStr;

/// The digits of any `u32`, and a NUL.
const LENGTH: usize = 11;

/// The decimal digits of a number, aligned to the end.
pub(crate) struct Decimal([u8; LENGTH]);

impl Decimal {
    pub(crate) fn new(number: u32) -> Self {
        let (mut text, mut rest) = ([0; LENGTH], number);
        for byte in text.iter_mut().rev().skip(1) {
            *byte = b'0' | (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        Self(text)
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        let start = self.0.iter().position(|byte| *byte != 0);
        let digits = start.and_then(|start| self.0.get(start..)).unwrap_or(&[]);
        CStr::from_bytes_until_nul(digits).unwrap_or_default()
    }
}
