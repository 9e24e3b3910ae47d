//! A number as the C string that an argument is.

use core::ffi::CStr;

/// Room for any `u32`, and its end.
const LENGTH: usize = 11;

/// A number in decimal.
pub(crate) struct Decimal([u8; LENGTH]);

impl Decimal {
    pub(crate) fn new(number: u32) -> Self {
        let (mut text, mut left) = ([0; LENGTH], number);
        for byte in text.iter_mut().rev().skip(1) {
            *byte = b'0' | (left % 10) as u8;
            left /= 10;
            if left == 0 {
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
