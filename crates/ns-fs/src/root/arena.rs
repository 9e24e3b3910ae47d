//! All strings of a plan in one piece.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use super::error::RootError;
use crate::apply::Text;

/// `PATH_MAX` of include/uapi/linux/limits.h, and the page that mount(2) takes options in.
const MAX: usize = 4096;

/// C strings one after the other, each with its NUL.
#[derive(Default)]
pub(crate) struct Arena(Vec<u8>);

impl Arena {
    /// Adds what came from somebody else; `what` is what it is called in an error.
    pub(crate) fn path(&mut self, what: &str, path: &Path) -> Result<Text, RootError> {
        let (what, bytes) = (|| what.to_owned(), path.as_os_str().as_bytes());
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

    /// Adds a string of our own.
    pub(crate) fn add(&mut self, text: &str) -> Text {
        self.push(text.as_bytes())
    }

    fn push(&mut self, bytes: &[u8]) -> Text {
        let text = Text(self.0.len());
        self.0.extend_from_slice(bytes);
        self.0.push(0);
        text
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
