//! The kinds of mounts.

use std::ffi::OsString;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::child::{FileType, MountFlags};

use super::{Kind, Mount, Upper};
use crate::apply::TargetLimit;
use crate::attributes::{Changes, MountAttrs};
use crate::{Propagation, Tree};

/// For file systems that contain neither programs nor devices.
const NO_PROGRAMS: MountAttrs =
    MountAttrs::NOSUID.union(MountAttrs::NODEV).union(MountAttrs::NOEXEC);

/// For an empty file system that hides a directory.
pub(super) const MASK: MountAttrs = NO_PROGRAMS.union(MountAttrs::RDONLY);

impl Mount {
    pub(super) fn of(target: impl Into<PathBuf>, kind: Kind, attrs: MountAttrs) -> Self {
        Self {
            target: target.into(),
            create: false,
            optional: false,
            limit: TargetLimit::Any,
            kind,
            recursive: false,
            source_in_root: false,
            changes: Changes::setting(attrs),
            flags: MountFlags::empty(),
            clear_flags: MountFlags::empty(),
            copy_up: false,
            data: None,
            mode: None,
            owner: None,
        }
    }

    fn file_system(target: impl Into<PathBuf>, fs_type: &str, attrs: MountAttrs) -> Self {
        let kind = Kind::New { fs_type: fs_type.into(), source: fs_type.into() };
        Self::of(target, kind, attrs)
    }

    /// Mounts a file system of any type of filesystems(5).
    ///
    /// A source that begins with `/` is a path of the caller, such as that of a disk; the type decides
    /// what another source means. A user namespace may mount only some types.
    pub fn new(
        fs_type: impl Into<OsString>,
        source: impl Into<OsString>,
        target: impl Into<PathBuf>,
    ) -> Self {
        let kind = Kind::New { fs_type: fs_type.into(), source: source.into() };
        Self::of(target, kind, MountAttrs::empty())
    }

    /// Mounts proc(5) of the process's pid namespace; nosuid, nodev, noexec.
    ///
    /// In a user namespace this needs a new pid namespace, and no mount may hide a part of the caller's
    /// `/proc`. Otherwise [`Mount::bind`] can bind the caller's `/proc`.
    pub fn proc(target: impl Into<PathBuf>) -> Self {
        Self::file_system(target, "proc", NO_PROGRAMS)
    }

    /// Mounts sysfs(5) of the process's network namespace; nosuid, nodev, noexec.
    ///
    /// In a user namespace this needs a new network namespace.
    pub fn sysfs(target: impl Into<PathBuf>) -> Self {
        Self::file_system(target, "sysfs", NO_PROGRAMS)
    }

    /// Mounts the control groups, cgroups(7) version 2, of the process's cgroup namespace; nosuid, nodev,
    /// noexec.
    ///
    /// In a user namespace this needs a new cgroup namespace.
    pub fn cgroup2(target: impl Into<PathBuf>) -> Self {
        Self::file_system(target, "cgroup2", NO_PROGRAMS)
    }

    /// Mounts the POSIX message queues, mq_overview(7), of the process's ipc namespace; nosuid, nodev,
    /// noexec.
    ///
    /// In a user namespace this needs a new ipc namespace.
    pub fn mqueue(target: impl Into<PathBuf>) -> Self {
        Self::file_system(target, "mqueue", NO_PROGRAMS)
    }

    /// Mounts an empty tmpfs(5); nosuid, nodev.
    pub fn tmpfs(target: impl Into<PathBuf>) -> Self {
        Self::file_system(target, "tmpfs", MountAttrs::NOSUID | MountAttrs::NODEV)
    }

    /// Mounts a new instance of devpts, with separate pseudoterminals; nosuid, noexec.
    pub fn devpts(target: impl Into<PathBuf>) -> Self {
        let pts = Self::file_system(target, "devpts", MountAttrs::NOSUID | MountAttrs::NOEXEC);
        pts.data("newinstance,ptmxmode=0666,mode=0620")
    }

    /// Binds a file or directory of the caller.
    ///
    /// The started process opens it, so its IDs need access; [`Mount::tree`] mounts what the caller has
    /// opened.
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::Bind { source: source.into() }, MountAttrs::empty())
    }

    /// Mounts a tree that the caller has opened. Its attributes are those of the [`Tree`].
    pub fn tree(tree: Tree, target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::Tree(Arc::new(tree)), MountAttrs::empty())
    }

    /// Mounts overlayfs: the directories `lower`, the topmost first, below `upper`, which receives the
    /// changes.
    ///
    /// `work` is an empty directory on the file system of `upper`. In a user namespace the overlay gets the
    /// option `userxattr`, so that this file system must support `user.*` extended attributes.
    ///
    /// # Kernel support
    /// Linux 4.0; in a user namespace 5.11.
    ///
    /// # References
    /// Documentation/filesystems/overlayfs.rst.
    pub fn overlay(
        target: impl Into<PathBuf>,
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
        upper: impl Into<PathBuf>,
        work: impl Into<PathBuf>,
    ) -> Self {
        let lower = lower.into_iter().map(Into::into).collect();
        let upper = Upper::Directory { upper: upper.into(), work: work.into() };
        Self::of(target, Kind::Overlay { lower, upper }, MountAttrs::empty())
    }

    /// Mounts overlayfs: the directories `lower`, the topmost first, below an empty tmpfs(5), which receives the
    /// changes and ends with the mount.
    ///
    /// The mode of the topmost directory is 755.
    ///
    /// # Kernel support
    /// Linux 6.15.
    pub fn overlay_tmpfs(
        target: impl Into<PathBuf>,
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
    ) -> Self {
        let lower = lower.into_iter().map(Into::into).collect();
        let kind = Kind::Overlay { lower, upper: Upper::Tmpfs };
        Self::of(target, kind, MountAttrs::empty())
    }

    /// Mounts overlayfs read-only, from two or more directories, the topmost first.
    pub fn overlay_read_only(
        target: impl Into<PathBuf>,
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
    ) -> Self {
        let lower = lower.into_iter().map(Into::into).collect();
        let kind = Kind::Overlay { lower, upper: Upper::Nothing };
        Self::of(target, kind, MountAttrs::empty())
    }

    /// Mounts a minimal `/dev`, which also works in a user namespace.
    ///
    /// It contains the caller's `null`, `zero`, `full`, `random`, `urandom` and `tty`; a new devpts on `pts`,
    /// with the link `ptmx`; a new tmpfs on `shm`; and the links `fd`, `stdin`, `stdout` and `stderr`. With
    /// [`read_only`](Self::read_only) nothing can be added to `/dev` itself; pts and shm stay writable.
    pub fn dev(target: impl Into<PathBuf>) -> Self {
        let attrs = MountAttrs::NOSUID | MountAttrs::NOEXEC;
        Self::of(target, Kind::Dev, attrs).data("mode=755")
    }

    /// Changes what is mounted at the target: the attributes that [`set`](Self::set) and
    /// [`clear`](Self::clear) name, others stay. With [`data`](Self::data), [`flags`](Self::flags) or
    /// [`clear_flags`](Self::clear_flags) also the options of the file system, for each mount of it.
    ///
    /// The target may be `/`.
    pub fn remount(target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::Remount, MountAttrs::empty())
    }

    /// Changes the propagation type of what is mounted at the target; with
    /// [`recursive`](Self::recursive), also of the mounts below it.
    pub fn propagation(target: impl Into<PathBuf>, propagation: Propagation) -> Self {
        Self::of(target, Kind::Propagation(propagation), MountAttrs::empty())
    }

    /// Hides the target: an empty read-only tmpfs covers a directory, and `/dev/null` covers any other file.
    ///
    /// A missing target is skipped.
    pub fn mask(target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::Mask, MASK).optional()
    }

    /// Makes the target read-only, with the mounts below it: binds it onto itself.
    ///
    /// A missing target is skipped. Needs Linux 5.12 if the target is a directory.
    pub fn read_only_path(target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::ReadOnlyPath, MountAttrs::RDONLY).optional().recursive()
    }

    /// Creates a directory and its parents; one that exists stays as it is.
    ///
    /// Its mode is 755, or [`mode`](Self::mode).
    pub fn directory(target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::Directory, MountAttrs::empty()).create()
    }

    /// Creates a symbolic link at the target, and the directories above it. The path in the link is not
    /// checked. The same link may exist already.
    pub fn symlink(to: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::of(target, Kind::Symlink { to: to.into() }, MountAttrs::empty()).create()
    }

    /// Creates a file with these contents, and the directories above it. It is an error if the file exists.
    ///
    /// Its mode is 644, or [`mode`](Self::mode). It is a file of the new root and stays there. To leave
    /// the root unchanged, bind a file.
    pub fn file(target: impl Into<PathBuf>, contents: impl Into<Vec<u8>>) -> Self {
        let kind = Kind::File { contents: contents.into() };
        Self::of(target, kind, MountAttrs::empty()).create()
    }

    /// Mounts a file with these contents on a file. It is a file of a new tmpfs(5), which is mounted nowhere else.
    ///
    /// Its mode is 644, or [`mode`](Self::mode).
    ///
    /// # Kernel support
    /// Linux 6.15.
    pub fn bytes(target: impl Into<PathBuf>, contents: impl Into<Vec<u8>>) -> Self {
        let kind = Kind::Bytes { contents: contents.into() };
        Self::of(target, kind, MountAttrs::NOSUID | MountAttrs::NODEV)
    }

    /// Creates a device with this major and minor number, and the directories above it.
    ///
    /// A user namespace may not create devices: there the caller's device at the same path is bound, which
    /// must have the same numbers. Otherwise its mode is 666, or [`mode`](Self::mode).
    ///
    /// # References
    /// mknod(2), null(4).
    pub fn device(target: impl Into<PathBuf>, device: DeviceKind, major: u32, minor: u32) -> Self {
        let file_type = match device {
            DeviceKind::Character => FileType::CharacterDevice,
            DeviceKind::Block => FileType::BlockDevice,
        };
        let kind = Kind::Device { file_type, number: (major, minor) };
        Self::of(target, kind, MountAttrs::empty()).create()
    }
}

/// The kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Such as `/dev/null`.
    Character,
    /// Such as a disk.
    Block,
}
