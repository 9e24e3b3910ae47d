//! Refuses options that a mount does not have.

use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use super::kinds::MASK;
use super::{Kind, Mount, Upper};
use crate::RootError;
use crate::attributes::Changes;

/// The flags of mount(2) that belong to a file system: `MS_RDONLY`, `MS_SYNCHRONOUS`, `MS_MANDLOCK`,
/// `MS_DIRSYNC`, `MS_SILENT`, `MS_POSIXACL`, `MS_I_VERSION`, `MS_LAZYTIME`.
const FILE_SYSTEM_FLAGS: MountFlags = MountFlags::from_bits_retain(
    1 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 15 | 1 << 16 | 1 << 23 | 1 << 25,
);

impl Mount {
    /// Checks the options of the mount at this position in the list.
    pub(super) fn check(&self, index: u32) -> Result<(), RootError> {
        let refused = |option, reason| {
            let what = self.part(index, option).to_string();
            Err(RootError::Option { what, reason })
        };
        let has_attributes = !self.changes.is_empty();
        let allowed = self.kind.allowed();
        let excess = [
            ("data", self.data.is_some(), allowed.data),
            (
                "flags",
                !self.all_flags().is_empty(),
                allowed.data && !matches!(self.kind, Kind::Dev),
            ),
            ("copy_up", self.copy_up, matches!(self.kind, Kind::New { .. }) && !self.is_root()),
            ("recursive", self.recursive, allowed.recursive),
            ("source_in_root", self.source_in_root, matches!(self.kind, Kind::Bind { .. })),
            ("create", self.create, allowed.create),
            ("mode", self.mode.is_some(), allowed.mode),
            ("owner", self.owner.is_some(), matches!(self.kind, Kind::Device { .. })),
        ];
        if let Some((option, ..)) = excess.into_iter().find(|(_, is_set, may)| *is_set && !may) {
            return refused(option, self.kind.reason());
        }
        match &self.kind {
            Kind::Tree(_) if has_attributes => refused("attributes", "set them on the tree"),
            Kind::Tree(tree) if tree.changes().is_contradictory() => refused("attributes", ATIME),
            Kind::Mask if self.changes != Changes::setting(MASK) => {
                refused("attributes", self.kind.reason())
            }
            Kind::Overlay { lower, upper: Upper::Nothing } if lower.len() < 2 => {
                refused("lower directories", "an overlay without an upper one needs two of them")
            }
            _ if has_attributes && !allowed.attributes => refused("attributes", self.kind.reason()),
            _ if self.changes.is_contradictory() => refused("attributes", ATIME),
            _ if !FILE_SYSTEM_FLAGS.contains(self.all_flags()) => {
                refused("flags", "only flags of the file system; attributes have their own setters")
            }
            _ if self.copy_up && self.flags.contains(MountFlags::RDONLY) => {
                refused("flags", "a copy needs a writable file system; use read_only")
            }
            _ => Ok(()),
        }
    }

    /// The flags that are set or cleared.
    fn all_flags(&self) -> MountFlags {
        self.flags | self.clear_flags
    }
}

const ATIME: &str = "RELATIME, NOATIME and STRICTATIME exclude each other";

/// The options that a kind of mount has.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option")]
struct Allowed {
    data: bool,
    recursive: bool,
    create: bool,
    attributes: bool,
    mode: bool,
}

impl Kind {
    fn allowed(&self) -> Allowed {
        let none = Allowed::default();
        match self {
            Self::New { .. } | Self::Overlay { .. } | Self::Dev => {
                Allowed { data: true, create: true, attributes: true, ..none }
            }
            Self::Bind { .. } => {
                Allowed { recursive: true, create: true, attributes: true, ..none }
            }
            Self::Remount => Allowed { data: true, recursive: true, attributes: true, ..none },
            Self::ReadOnlyPath => Allowed { recursive: true, attributes: true, ..none },
            Self::Propagation(_) => Allowed { recursive: true, ..none },
            Self::Mask => Allowed { attributes: true, ..none },
            Self::Tree(_) | Self::Symlink { .. } => Allowed { create: true, ..none },
            Self::Bytes { .. } => Allowed { create: true, attributes: true, mode: true, ..none },
            Self::Directory | Self::File { .. } | Self::Device { .. } => {
                Allowed { create: true, mode: true, ..none }
            }
        }
    }

    /// Why an option is refused.
    fn reason(&self) -> &'static str {
        match self {
            Self::New { .. } | Self::Overlay { .. } | Self::Dev => {
                "a new file system does not have this option, or takes it as data"
            }
            Self::Bind { .. } | Self::Bytes { .. } | Self::ReadOnlyPath => {
                "a bind mount does not have this option"
            }
            Self::Tree(_) => "set it on the tree",
            Self::Remount => "a remount does not have this option",
            Self::Propagation(_) => "a change of propagation does not have this option",
            Self::Mask => "a mask does not have this option",
            Self::Symlink { .. } => "a symbolic link does not have this option",
            Self::Directory => "a new directory does not have this option",
            Self::File { .. } => "a new file does not have this option",
            Self::Device { .. } => "a new device does not have this option",
        }
    }
}
