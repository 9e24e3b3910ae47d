//! The strings of execve(2), and the arrays of pointers to them.

use std::ffi::{CStr, c_char};
use std::prelude::rust_2024::*;
use std::{fmt, iter, ptr};

/// C strings, each with its NUL byte, in one allocation: an allocation per string would cost as much
/// as the rest of a plan.
#[derive(Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    count: usize,
}

impl fmt::Debug for Strings {
    /// Omits the strings, which may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strings").finish_non_exhaustive()
    }
}

impl Strings {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), count: 0 }
    }

    /// Adds one string, given by its parts, which contain no NUL byte.
    pub(super) fn push(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        self.count += 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &CStr> + Clone {
        let mut rest = &self.bytes[..];
        iter::from_fn(move || {
            let text = CStr::from_bytes_until_nul(rest).ok()?;
            rest = &rest[text.count_bytes() + 1..];
            Some(text)
        })
    }

    /// The first string; the empty string if there is none.
    pub(super) fn first(&self) -> &CStr {
        self.iter().next().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

/// `argv` and `envp` for execve(2), each with a null pointer at the end.
#[derive(Debug)]
pub(crate) struct Arrays {
    all: Vec<*const c_char>,
    /// The index at which `envp` begins.
    envp: usize,
}

impl Arrays {
    /// The arrays with pointers to the strings of a plan. An array without strings is empty.
    pub(super) fn new(argv: Option<&Strings>, envp: Option<&Strings>) -> Self {
        let length = |strings: Option<&Strings>| strings.map_or(0, |strings| strings.count + 1);
        let mut all = Vec::with_capacity(length(argv) + length(envp));
        for strings in [argv, envp].into_iter().flatten() {
            all.extend(strings.iter().map(CStr::as_ptr));
            all.push(ptr::null());
        }
        Self { all, envp: length(argv) }
    }

    pub(crate) fn argv(&self) -> *const *const c_char {
        self.all.as_ptr()
    }

    pub(crate) fn envp(&self) -> &[*const c_char] {
        self.all.get(self.envp..).unwrap_or_default()
    }
}
