//! The names of a mount and of the files that it uses, for errors.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::vec;

use super::{Kind, Mount, Upper};
use crate::apply::TargetLimit;
use crate::attributes::{Changes, MountAttrs};

/// A mount at a position in the list, and a part of it, as errors name them.
#[derive(Clone, Copy)]
pub(super) struct MountName<'a> {
    index: u32,
    target: &'a Path,
    part: Option<&'a str>,
}

impl fmt::Display for MountName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mount {} on {}", self.index, self.target.display())?;
        self.part.map_or(Ok(()), |part| write!(f, ": {part}"))
    }
}

impl Mount {
    pub(super) fn name(&self, index: u32) -> MountName<'_> {
        MountName { index, target: &self.target, part: None }
    }

    pub(super) fn part<'a>(&'a self, index: u32, part: &'a str) -> MountName<'a> {
        MountName { part: Some(part), ..self.name(index) }
    }

    /// The sources in the order in which the child opens them, each with what it is.
    pub(crate) fn sources(&self) -> Vec<(&'static str, &Path)> {
        match &self.kind {
            Kind::Bind { source } => vec![("source", source)],
            Kind::Tree(tree) => vec![("source", tree.path())],
            Kind::New { source, .. } => vec![("source", Path::new(source))],
            Kind::Overlay { lower, upper } => {
                let lower = lower.iter().map(|path| ("lower directory", path.as_path()));
                let upper = match upper {
                    Upper::Directory { upper, work } => {
                        Some([("upper directory", upper.as_path()), ("work directory", work)])
                    }
                    Upper::Nothing | Upper::Tmpfs => None,
                };
                lower.chain(upper.into_iter().flatten()).collect()
            }
            Kind::Device { .. } => vec![("device", &self.target)],
            Kind::Bytes { .. } => vec![("new file for", &self.target)],
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

    /// Whether a new tmpfs receives its changes.
    pub(crate) fn has_tmpfs(&self) -> bool {
        matches!(self.kind, Kind::Overlay { upper: Upper::Tmpfs, .. })
    }

    /// Whether it is a file of a new tmpfs.
    pub(crate) fn is_bytes(&self) -> bool {
        matches!(self.kind, Kind::Bytes { .. })
    }

    pub(crate) fn refuses_links(&self) -> bool {
        self.limit == TargetLimit::NoLinks
    }

    pub(crate) fn creates_target(&self) -> bool {
        self.create
    }

    /// Whether it is a new file, directory, link or device, and no mount.
    pub(crate) fn creates_entry(&self) -> bool {
        use Kind::{Device, Directory, File, Symlink};
        matches!(self.kind, Symlink { .. } | File { .. } | Directory | Device { .. })
    }

    pub(crate) fn is_recursive(&self) -> bool {
        self.recursive || matches!(&self.kind, Kind::Tree(tree) if tree.is_recursive())
    }

    /// The changes of attributes, also those of a tree.
    fn requested(&self) -> Changes {
        match &self.kind {
            Kind::Tree(tree) => tree.changes(),
            _ => self.changes,
        }
    }

    /// Whether it changes attributes of the mounts below too.
    pub(crate) fn changes_tree(&self) -> bool {
        self.requested().compile(self.is_recursive()).changes_tree()
    }

    /// Whether it sets these attributes of the topmost mount or of all.
    pub(crate) fn sets(&self, attrs: MountAttrs) -> bool {
        let changes = self.requested();
        (changes.all.set | changes.top.set).contains(attrs)
    }

    /// Whether its source is the path of a device.
    pub(crate) fn has_device(&self) -> bool {
        matches!(&self.kind, Kind::New { source, .. } if source.as_bytes().starts_with(b"/"))
    }

    /// Whether it starts with a copy of its target.
    pub(crate) fn copies_up(&self) -> bool {
        self.copy_up
    }

    /// Whether it clears attributes.
    pub(crate) fn clears(&self) -> bool {
        self.requested().clears()
    }

    /// Whether it changes what is mounted already.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self.kind, Kind::Remount | Kind::Propagation(_))
    }
}
