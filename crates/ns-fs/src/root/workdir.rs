//! The wish for a working directory.

use std::path::PathBuf;
use std::prelude::rust_2024::*;

use super::arena::Arena;
use super::error::RootError;
use crate::apply::Text;

/// Where a process begins: by default at `/` of a new root, and where it is under the present one.
///
/// The path is one of the new root's, and whatever lies outside is refused.
#[derive(Clone, Debug, Default)]
pub struct Workdir {
    path: Option<PathBuf>,
    create: bool,
}

impl Workdir {
    /// A directory, which has to be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), create: false }
    }

    /// Makes it, and the directories that lead there, if they are missing; they stay. Their mode is 755,
    /// less the umask.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }

    pub(super) fn compile(&self, arena: &mut Arena) -> Result<Option<(Text, bool)>, RootError> {
        let Some(path) = &self.path else { return Ok(None) };
        Ok(Some((arena.path("working directory", path)?, self.create)))
    }
}
