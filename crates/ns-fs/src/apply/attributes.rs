//! Attributes of a mount, by mount_setattr(2) or by a remount.

use core::ffi::CStr;

use ns_sys::child::{self, AtFlags, MountAttr, MountFlags, MountPropagationFlags, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::fd_path::FdPath;
use super::handle::{CWD, Handle, open_path};
use crate::{Propagation, Step, StepError};

/// `AT_RECURSIVE` of include/uapi/linux/fcntl.h.
const RECURSIVE: AtFlags = AtFlags::from_bits_retain(0x8000);

/// The changes of one mount, or of all mounts of a tree: `MOUNT_ATTR_*` bits to set and to clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) set: u64,
    pub(crate) clear: u64,
    pub(crate) propagation: Option<Propagation>,
}

/// The changes of a tree: first those of all its mounts, then those of the topmost one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TreeAttributes {
    pub(crate) all: Attributes,
    pub(crate) top: Attributes,
}

impl Attributes {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether there is no other change than that of the propagation, which mount(2) makes in a whole tree.
    pub(super) fn is_propagation(self) -> bool {
        self.set | self.clear == 0
    }
}

impl TreeAttributes {
    pub(crate) fn is_empty(self) -> bool {
        self.all.is_empty() && self.top.is_empty()
    }

    /// Whether it changes attributes of the mounts below, for which there is no remount.
    pub(crate) fn changes_tree(self) -> bool {
        !self.all.is_propagation()
    }
}

/// One attribute: its `MOUNT_ATTR_*` bit, its `ST_*` bit of statfs(2), and its `MS_*` flag of mount(2).
struct Attribute {
    attr: u64,
    statfs: u64,
    flag: u32,
}

const ATTRIBUTES: [Attribute; 7] = [
    Attribute { attr: 0x1, statfs: 1, flag: MountFlags::RDONLY.bits() },
    Attribute { attr: 0x2, statfs: 2, flag: MountFlags::NOSUID.bits() },
    Attribute { attr: 0x4, statfs: 4, flag: MountFlags::NODEV.bits() },
    Attribute { attr: 0x8, statfs: 8, flag: MountFlags::NOEXEC.bits() },
    Attribute { attr: 0x10, statfs: 1024, flag: MountFlags::NOATIME.bits() },
    Attribute { attr: 0x80, statfs: 2048, flag: MountFlags::NODIRATIME.bits() },
    Attribute { attr: NOSYMFOLLOW, statfs: ST_NOSYMFOLLOW, flag: MS_NOSYMFOLLOW },
];

/// `MOUNT_ATTR_RDONLY`.
pub(super) const RDONLY: u64 = 0x1;
/// `MOUNT_ATTR_NOATIME`, `MOUNT_ATTR_STRICTATIME`, `MOUNT_ATTR__ATIME`.
const NOATIME: u64 = 0x10;
const STRICTATIME: u64 = 0x20;
const ATIME_MASK: u64 = 0x70;
/// `MOUNT_ATTR_NOSYMFOLLOW`.
const NOSYMFOLLOW: u64 = 0x20_0000;
/// Of include/uapi/linux/mount.h.
const MS_NOSYMFOLLOW: u32 = 256;
const MS_REMOUNT: u32 = 32;

/// `mount_setattr(AT_FDCWD, ".", 0, {MOUNT_ATTR_RDONLY})` — makes the mount whose root is the working
/// directory read-only.
///
/// Mounts below it keep their own attributes.
///
/// # Errors
/// [`Step::ReadOnlyRoot`]:
/// - `EINVAL`: the working directory is not the root of a mount.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.12; before, a remount that repeats the flags which a user namespace may not clear.
///
/// # References
/// mount_setattr(2), mount(2), mount_namespaces(7) "Restrictions on mount namespaces".
pub fn read_only_here() -> core::result::Result<(), StepError> {
    let read_only = Attributes { set: RDONLY, ..Attributes::default() };
    let set = match set_attributes(CWD, c".", read_only, None, false) {
        Err(Errno::NOSYS) => open_path(CWD, c".", OFlags::DIRECTORY)
            .and_then(|root| remount(&root, c".", read_only, false)),
        other => other,
    };
    set.map_err(Step::ReadOnlyRoot.failed())
}

/// Changes the mounts of a tree, which may be detached. `userns` is the user namespace of ID-mapped mounts.
///
/// # Errors
/// `ENOSYS`: before Linux 5.12; nothing was changed.
pub(crate) fn change(
    tree: BorrowedFd<'_>,
    attributes: TreeAttributes,
    userns: Option<BorrowedFd<'_>>,
    is_recursive: bool,
) -> Result<()> {
    let TreeAttributes { all, top } = attributes;
    if !all.is_empty() || userns.is_some() {
        set_attributes(tree, c"", all, userns, is_recursive)?;
    }
    if top.is_empty() { Ok(()) } else { set_attributes(tree, c"", top, None, false) }
}

/// As [`change`], for an attached mount and before Linux 5.12 too.
///
/// # Errors
/// `ENOSYS`: before Linux 5.12, and attributes of the mounts below are to be changed too.
pub(super) fn change_mounted(
    mounted: &Handle,
    attributes: TreeAttributes,
    is_recursive: bool,
) -> Result<()> {
    match change(mounted.as_fd(), attributes, None, is_recursive) {
        Err(Errno::NOSYS) if !is_recursive || !attributes.changes_tree() => {
            remount_tree(mounted, attributes, is_recursive)
        }
        other => other,
    }
}

/// Makes the changes of a single mount by remounts, or the propagation of a tree.
pub(super) fn remount_tree(
    mounted: &Handle,
    attributes: TreeAttributes,
    is_recursive: bool,
) -> Result<()> {
    let path = FdPath::new(mounted.as_raw_fd());
    for (attributes, is_recursive) in [(attributes.all, is_recursive), (attributes.top, false)] {
        if !attributes.is_empty() {
            remount(mounted, path.as_c_str(), attributes, is_recursive)?;
        }
    }
    Ok(())
}

/// With an empty path, `dir` is the root of the mount.
fn set_attributes(
    dir: BorrowedFd<'_>,
    path: &CStr,
    attributes: Attributes,
    userns: Option<BorrowedFd<'_>>,
    is_recursive: bool,
) -> Result<()> {
    const IDMAP: u64 = 0x10_0000;
    let Attributes { set, clear, propagation } = attributes;
    let attr = MountAttr {
        attr_set: set | if userns.is_some() { IDMAP } else { 0 },
        attr_clr: clear,
        propagation: propagation.map_or(0, |propagation| propagation.flag().bits().into()),
        userns_fd: userns,
    };
    let tree = if is_recursive { RECURSIVE } else { AtFlags::empty() };
    child::mount_setattr(dir, path, AtFlags::EMPTY_PATH.union(tree), &attr)
}

/// Changes one mount by a remount, or the propagation of a tree. `path` leads to the mount whose root is `root`.
///
/// A remount clears each flag that it does not repeat, which a user namespace may not do with
/// inherited flags.
fn remount(root: &Handle, path: &CStr, attributes: Attributes, is_recursive: bool) -> Result<()> {
    let Attributes { set, clear, propagation } = attributes;
    if set | clear != 0 {
        let flags = present_flags(root.as_fd(), attributes)?;
        let remount = MountFlags::from_bits_retain(MS_REMOUNT).union(MountFlags::BIND);
        child::mount(None, path, None, flags.union(remount), None)?;
        // Before Linux 5.10 mount(2) ignores the flag.
        if set & NOSYMFOLLOW != 0 && child::fstatfs(root.as_fd())?.flags & ST_NOSYMFOLLOW == 0 {
            return Err(Errno::NOSYS);
        }
    }
    let tree =
        if is_recursive { MountPropagationFlags::REC } else { MountPropagationFlags::empty() };
    let change = |propagation: Propagation| propagation.flag().union(tree);
    propagation.map_or(Ok(()), |propagation| child::mount_change(path, change(propagation)))
}

/// The `MS_*` flags of a mount after these changes. How access times are updated stays as it is, unless
/// that is changed.
pub(super) fn present_flags(root: BorrowedFd<'_>, attributes: Attributes) -> Result<MountFlags> {
    let present = child::fstatfs(root)?.flags;
    let mut flags = 0;
    for Attribute { attr, statfs, flag } in ATTRIBUTES {
        let is_kept = present & statfs != 0 && attributes.clear & attr == 0;
        flags |= if is_kept || attributes.set & attr != 0 { flag } else { 0 };
    }
    let flags = MountFlags::from_bits_retain(flags);
    Ok(match attributes.set & ATIME_MASK {
        NOATIME => flags,
        STRICTATIME => flags.union(MountFlags::STRICTATIME),
        _ if attributes.clear & ATIME_MASK != 0 => flags.union(MountFlags::RELATIME),
        _ if present & ST_RELATIME != 0 => flags.union(MountFlags::RELATIME),
        _ if present & ST_NOATIME != 0 => flags,
        // Without a flag, NODIRATIME would imply RELATIME, or would stay.
        _ => flags.union(MountFlags::STRICTATIME),
    })
}

/// The flags of a file system that statfs(2) shows; `ST_*` and `MS_*` have the same values here.
pub(super) fn present_fs_flags(root: BorrowedFd<'_>) -> Result<MountFlags> {
    const MANDLOCK: MountFlags = MountFlags::from_bits_retain(64);
    let present = child::fstatfs(root)?.flags;
    let has = |flag: &MountFlags| present & u64::from(flag.bits()) != 0;
    let shown = [MountFlags::SYNCHRONOUS, MANDLOCK].into_iter().filter(has);
    Ok(shown.fold(MountFlags::empty(), MountFlags::union))
}

/// The changes of propagation among these.
pub(crate) fn propagation_only(attributes: TreeAttributes) -> TreeAttributes {
    let only =
        |from: Attributes| Attributes { propagation: from.propagation, ..Attributes::default() };
    TreeAttributes { all: only(attributes.all), top: only(attributes.top) }
}

/// Of statfs(2).
const ST_NOATIME: u64 = 1024;
const ST_RELATIME: u64 = 4096;
const ST_NOSYMFOLLOW: u64 = 8192;

/// The `MS_*` flags of a new mount with these attributes, without those of [`after_mount`].
pub(super) fn new_flags(attributes: Attributes) -> MountFlags {
    let attributes = Attributes { set: attributes.set & !NOSYMFOLLOW, ..attributes };
    let set = |attribute: &&Attribute| attributes.set & attribute.attr != 0;
    let flags = ATTRIBUTES.iter().filter(set).fold(0, |flags, attribute| flags | attribute.flag);
    let flags = MountFlags::from_bits_retain(flags);
    if attributes.set & STRICTATIME != 0 { flags.union(MountFlags::STRICTATIME) } else { flags }
}

/// The part of the attributes that mount(2) does not set on a new mount, or not on each kernel.
pub(super) fn after_mount(attributes: Attributes) -> Attributes {
    Attributes { set: attributes.set & NOSYMFOLLOW, clear: 0, ..attributes }
}
