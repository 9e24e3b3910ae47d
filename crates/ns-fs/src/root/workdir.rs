//! The settings of a working directory.

use std::path::PathBuf;
use std::prelude::rust_2024::*;

use crate::RootError;
use crate::apply::StringRef;
use crate::arena::Arena;

/// The working directory of a process: by default `/` of a new root, or the caller's with
/// [`Root::current`](crate::Root::current).
///
/// It is a path of the new root; a path that leads outside is refused.
#[derive(Clone, Debug, Default)]
pub struct Workdir {
    path: Option<PathBuf>,
    create: bool,
}

impl Workdir {
    /// Sets the directory, which must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), create: false }
    }

    /// Creates the directory and its parents if they are missing; they stay afterwards.
    ///
    /// Their mode is 755, less the umask.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }

    pub(super) fn compile(
        &self,
        arena: &mut Arena,
    ) -> Result<Option<(StringRef, bool)>, RootError> {
        let Some(path) = &self.path else { return Ok(None) };
        Ok(Some((arena.path("working directory", path)?, self.create)))
    }
}
