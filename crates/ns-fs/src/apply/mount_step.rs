//! The mounts of a plan, with references to its strings.

use ns_sys::child::{FileType, MountFlags};

use super::attributes::TreeAttributes;
use super::strings::{BytesRef, StringRef};

/// One mount, or one file, below a new root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MountStep {
    /// The position in the caller's list, for errors.
    pub(crate) index: u32,
    /// The path in the new root: of the target, or of the directory of a [`Kind::Entry`].
    pub(crate) target: StringRef,
    /// Whether to create the target and its parent directories if they are missing.
    pub(crate) create: bool,
    /// Whether to skip the mount if its source or target is missing.
    pub(crate) optional: bool,
    pub(crate) limit: TargetLimit,
    pub(crate) kind: Kind,
}

/// Which files a target may be, besides that it lies in the new root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetLimit {
    Any,
    /// The path contains no symbolic link.
    NoLinks,
    /// It is no file of a proc(5).
    OutsideProc,
    /// The first directory of the path is no symbolic link, and shows a file system with this magic number.
    Below(u64),
}

/// The operation at a target.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A new file system, by mount(2).
    New(NewFs),
    /// A new file system that is made detached: its options are files (overlayfs), it starts with a copy of
    /// the target, or it becomes the root.
    Configured(Configured),
    Bind(Bind),
    /// The attributes of the mount at the target.
    Attributes {
        attributes: TreeAttributes,
        recursive: bool,
    },
    /// The options of the file system at the target, and the attributes of its mount.
    Reconfigure(Reconfigure),
    /// This empty file system over a directory, or `/dev/null` over a file.
    Mask(NewFs),
    /// A new entry of a directory.
    Entry {
        name: StringRef,
        entry: Entry,
    },
}

/// A mount that becomes the root.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RootMount {
    Bind(Bind),
    Configured(Configured),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFs {
    pub(crate) fs_type: StringRef,
    pub(crate) source: StringRef,
    /// Whether the source is the path of a device.
    pub(crate) has_device: bool,
    pub(crate) flags: MountFlags,
    pub(crate) data: Option<StringRef>,
    pub(crate) attributes: TreeAttributes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Configured {
    pub(crate) new: NewFs,
    /// The range of its [`FsOption`]s.
    pub(crate) options: (usize, usize),
    /// Whether its options also fit in the one string of mount(2).
    pub(crate) fits_mount: bool,
    /// For an overlay with an upper directory.
    pub(crate) userxattr: Option<UserXattr>,
    pub(crate) copy_up: Option<CopyUp>,
}

/// The option `userxattr`, which a file system needs in a user namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserXattr {
    /// The data of mount(2) with the option, if it fits.
    pub(crate) data: Option<StringRef>,
}

/// What a new file system contains of the directory that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyUp {
    /// Its entries.
    Entries,
    /// Its entries, its owner and its mode.
    Whole,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Reconfigure {
    pub(crate) flags: MountFlags,
    pub(crate) clear_flags: MountFlags,
    pub(crate) data: Option<StringRef>,
    /// All of these as [`FsOption`]s: their range.
    pub(crate) options: (usize, usize),
    pub(crate) attributes: TreeAttributes,
    pub(crate) recursive: bool,
}

/// An option of a [`Configured`] file system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FsOption {
    pub(crate) key: StringRef,
    pub(crate) value: FsValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FsValue {
    None,
    Text(StringRef),
    /// A directory of the caller.
    Directory(StringRef),
    /// A directory of a new tmpfs(5) that is mounted nowhere; the key is its name.
    NewDirectory,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bind {
    pub(crate) source: Source,
    pub(crate) recursive: bool,
    pub(crate) attributes: TreeAttributes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A path of the caller.
    Path(StringRef),
    /// A path in the new root.
    InRoot(StringRef),
    /// A new file of a tmpfs(5) that is mounted nowhere else.
    NewFile { contents: BytesRef, mode: u32 },
    /// A tree that the caller has opened: its position in the list, and its path.
    Tree(usize, StringRef),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Link { to: StringRef },
    File { contents: BytesRef, mode: u32 },
    Directory { mode: u32 },
    Device(Device),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) file_type: FileType,
    pub(crate) number: (u32, u32),
    pub(crate) mode: u32,
    pub(crate) owner: Option<(u32, u32)>,
    /// The same device of the caller, which is bound where mknod(2) is forbidden.
    pub(crate) host: StringRef,
}
