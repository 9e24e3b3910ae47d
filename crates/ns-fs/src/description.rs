//! A plan as text.

use std::fmt;
use std::prelude::rust_2024::*;

/// The system calls of a plan in order, one per line; making it runs none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(Vec<String>);

impl Description {
    pub(crate) fn new(lines: impl IntoIterator<Item = String>) -> Self {
        Self(lines.into_iter().collect())
    }

    /// Returns the lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
