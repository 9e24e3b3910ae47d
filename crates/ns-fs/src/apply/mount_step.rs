//! A mount in two forms: with its strings, as the child uses it, and with references to them, as a
//! plan stores it.

use core::ffi::CStr;

use ns_sys::child::MountFlags;

use super::strings::{StringRef, Strings};

/// One mount, or one symbolic link, below a new root.
#[derive(Clone, Copy, Debug)]
pub struct Mount<'a> {
    /// Its position in the list of mounts, for errors.
    pub index: u32,
    /// The target, a path of the new root.
    pub target: &'a CStr,
    /// Whether to create the target and its parent directories if they are missing.
    pub create: bool,
    /// What is mounted.
    pub kind: MountKind<'a>,
}

/// What is mounted at a target.
#[derive(Clone, Copy, Debug)]
pub enum MountKind<'a> {
    /// A new file system; the target is a directory.
    New {
        /// Its type, one of filesystems(5).
        fs_type: &'a CStr,
        /// Its source; some types ignore it.
        source: &'a CStr,
        /// `MS_*` flags, such as read-only.
        flags: MountFlags,
        /// Options of the file system, separated by commas.
        data: Option<&'a CStr>,
    },
    /// A bind mount of a file or directory.
    Bind {
        /// Its path in the caller's root, before the change of root.
        source: &'a CStr,
        /// Whether to include the mounts below it.
        recursive: bool,
        /// `MOUNT_ATTR_*` bits to set, such as read-only.
        attributes: u64,
    },
    /// No new mount: sets attributes of the mount at the target, and of that mount alone.
    Attributes {
        /// `MOUNT_ATTR_*` bits to set.
        attributes: u64,
    },
    /// A symbolic link in the target, which is a directory; `create` makes that directory.
    Link {
        /// The name of the link.
        name: &'a CStr,
        /// The path in the link; it is not checked.
        to: &'a CStr,
    },
}

/// A [`Mount`] as a plan stores it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MountStep {
    pub(crate) index: u32,
    pub(crate) target: StringRef,
    pub(crate) create: bool,
    pub(crate) kind: StepKind,
}

/// A [`MountKind`] as a plan stores it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StepKind {
    New { fs_type: StringRef, source: StringRef, flags: MountFlags, data: Option<StringRef> },
    Bind { source: StringRef, recursive: bool, attributes: u64 },
    Attributes { attributes: u64 },
    Link { name: StringRef, to: StringRef },
}

impl MountStep {
    /// Returns the mount with its strings.
    pub(crate) fn with(self, strings: Strings<'_>) -> Mount<'_> {
        let Self { index, target, create, kind } = self;
        Mount { index, target: strings.get(target), create, kind: kind.with(strings) }
    }
}

impl StepKind {
    fn with(self, strings: Strings<'_>) -> MountKind<'_> {
        let get = |string| strings.get(string);
        match self {
            Self::New { fs_type, source, flags, data } => MountKind::New {
                fs_type: get(fs_type),
                source: get(source),
                flags,
                data: data.map(get),
            },
            Self::Bind { source, recursive, attributes } => {
                MountKind::Bind { source: get(source), recursive, attributes }
            }
            Self::Attributes { attributes } => MountKind::Attributes { attributes },
            Self::Link { name, to } => MountKind::Link { name: get(name), to: get(to) },
        }
    }
}
