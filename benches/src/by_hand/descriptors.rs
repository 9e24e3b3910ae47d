//! Descriptors by number.
#![allow(unsafe_code, reason = "descriptors placed by number")]

use std::fs::File;
use std::os::fd::AsFd;

use ns_sys::child::dup3;

/// Places each file at its number.
///
/// # Safety
/// Nobody owns the numbers.
///
/// # Panics
/// When dup3(2) fails.
pub unsafe fn bare_dup3<const COUNT: usize>(files: &[File; COUNT], numbers: [i32; COUNT]) {
    for (number, file) in numbers.into_iter().zip(files) {
        // SAFETY: the caller's word.
        unsafe { dup3(file.as_fd(), number, false) }.expect("dup3");
    }
}
