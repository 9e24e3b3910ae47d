//! The names of the files that a mount uses, for errors.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::vec;

use super::{Kind, Mount};
use crate::attributes::Changes;

impl Mount {
    /// The sources in the order in which the child opens them, each with what it is.
    pub(crate) fn sources(&self) -> Vec<(&'static str, &Path)> {
        match &self.kind {
            Kind::Bind { source } => vec![("source", source)],
            Kind::Tree(tree) => vec![("source", tree.path())],
            Kind::New { source, .. } => vec![("source", Path::new(source))],
            Kind::Overlay { lower, upper } => {
                let lower = lower.iter().map(|path| ("lower directory", path.as_path()));
                let upper = upper.as_ref().map(|(upper, work)| {
                    [("upper directory", upper.as_path()), ("work directory", work.as_path())]
                });
                lower.chain(upper.into_iter().flatten()).collect()
            }
            Kind::Device { .. } => vec![("device", &self.target)],
            Kind::Dev => vec![("device in", Path::new("/dev"))],
            Kind::Mask => vec![("null device", Path::new("/dev/null"))],
            Kind::ReadOnlyPath => vec![("path", &self.target)],
            Kind::Remount
            | Kind::Propagation(_)
            | Kind::Directory
            | Kind::Symlink { .. }
            | Kind::File { .. } => vec![],
        }
    }

    /// The type of a new file system.
    pub(crate) fn fs_type(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::New { fs_type, .. } => Some(fs_type.as_bytes()),
            Kind::Overlay { .. } => Some(b"overlay"),
            Kind::Dev => Some(b"tmpfs"),
            _ => None,
        }
    }

    pub(crate) fn creates_target(&self) -> bool {
        self.create
    }

    pub(crate) fn is_recursive(&self) -> bool {
        self.recursive || matches!(&self.kind, Kind::Tree(tree) if tree.is_recursive())
    }

    /// Whether it starts with a copy of its target.
    pub(crate) fn copies_up(&self) -> bool {
        self.copy_up
    }

    /// Whether it clears attributes.
    pub(crate) fn clears(&self) -> bool {
        [self.changes, self.all, self.top].into_iter().any(Changes::clears)
    }

    /// Whether it changes what is mounted already.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self.kind, Kind::Remount | Kind::Propagation(_))
    }
}
