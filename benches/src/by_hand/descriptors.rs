//! Descriptors by number.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::fs::File;
use std::os::fd::AsFd;

use ns_sys::child::dup3;

/// Duplicates each file to its number.
///
/// # Safety
/// Nothing owns these descriptor numbers.
///
/// # Panics
/// If dup3(2) fails.
pub unsafe fn bare_dup3<const COUNT: usize>(files: &[File; COUNT], numbers: [i32; COUNT]) {
    for (number, file) in numbers.into_iter().zip(files) {
        // SAFETY: the caller guarantees that nothing owns the number.
        unsafe { dup3(file.as_fd(), number, false) }.expect("dup3");
    }
}
