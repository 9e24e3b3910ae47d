//! All strings of a plan in one buffer, checked.

use std::borrow::Cow;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use crate::RootError;
use crate::apply::{BytesRef, StringRef};

/// `PATH_MAX` of include/uapi/linux/limits.h, and the page in which mount(2) takes options.
pub(crate) const MAX: usize = 4096;

/// C strings one after the other, each with its NUL.
#[derive(Default)]
pub(crate) struct Arena(Vec<u8>);

impl Arena {
    /// Adds a path or option of the caller's; `what` names it in an error.
    pub(crate) fn path(&mut self, what: impl Display, path: &Path) -> Result<StringRef, RootError> {
        let (what, bytes) = (|| what.to_string(), path.as_os_str().as_bytes());
        if bytes.is_empty() {
            return Err(RootError::Empty { what: what() });
        }
        if bytes.contains(&0) {
            return Err(RootError::Nul { what: what(), path: path.to_owned() });
        }
        if bytes.len() >= MAX {
            return Err(RootError::TooLong { what: what(), length: bytes.len() });
        }
        Ok(self.push(bytes))
    }

    /// Adds a constant of this crate, unchecked.
    pub(crate) fn add(&mut self, text: &str) -> StringRef {
        self.push(text.as_bytes())
    }

    /// Adds the contents of a file.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> BytesRef {
        let start = self.0.len();
        self.0.extend_from_slice(bytes);
        BytesRef(start, bytes.len())
    }

    fn push(&mut self, bytes: &[u8]) -> StringRef {
        let start = StringRef(self.0.len());
        self.0.reserve(bytes.len() + 1);
        self.0.extend_from_slice(bytes);
        self.0.push(0);
        start
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Makes a path absolute from the current working directory, without following symbolic links.
pub(crate) fn absolute(path: &Path) -> Result<Cow<'_, Path>, RootError> {
    // `Arena::path` reports an empty path later, with its name.
    if path.is_absolute() || path.as_os_str().is_empty() {
        return Ok(path.into());
    }
    std::path::absolute(path).map(Cow::Owned).map_err(|source| RootError::CurrentDir { source })
}
