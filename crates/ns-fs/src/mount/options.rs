//! The options of mounts.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use super::{Kind, Mount};
use crate::Propagation;
use crate::apply::TargetLimit;
use crate::attributes::MountAttrs;

impl Mount {
    /// Creates the target and its parent directories if they are missing; they stay afterwards.
    ///
    /// The mode of a directory is 755 and of a file 644, less the umask. Nothing is created if the source
    /// is missing.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }

    /// Skips the mount if its source or target does not exist.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Refuses a target whose path contains a symbolic link: `ELOOP`. A process that can change directories of the root
    /// can then not redirect later mounts below the target.
    #[must_use]
    pub fn target_without_links(mut self) -> Self {
        self.limit = TargetLimit::NoLinks;
        self
    }

    /// Refuses a target that is a file of a proc(5), also by a symbolic link: `EXDEV`.
    #[must_use]
    pub fn target_outside_proc(mut self) -> Self {
        self.limit = TargetLimit::OutsideProc;
        self
    }

    /// Requires that the first directory of the target's path is no symbolic link, and that a proc(5) is mounted there:
    /// `ELOOP`, `EXDEV`. For a [`mask`](Self::mask) or [`read_only_path`](Self::read_only_path) of a root that other
    /// processes may change: a directory that was renamed is an error, and is not skipped as a missing one.
    #[must_use]
    pub fn target_in_proc(mut self) -> Self {
        self.limit = TargetLimit::Below(0x9fa0);
        self
    }

    /// As [`target_in_proc`](Self::target_in_proc), for sysfs(5).
    #[must_use]
    pub fn target_in_sysfs(mut self) -> Self {
        self.limit = TargetLimit::Below(0x6265_6572);
        self
    }

    /// Includes the mounts below the source of a bind, or below the target of a
    /// [`remount`](Self::remount) or [`propagation`](Self::propagation).
    ///
    /// In a user namespace a directory with inherited mounts below it can only be bound this way.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    /// Resolves the source of a bind in the new root, after the earlier mounts; no symbolic link leads out.
    #[must_use]
    pub fn source_in_root(mut self) -> Self {
        self.source_in_root = true;
        self
    }

    /// Makes the mount read-only and, with [`recursive`](Self::recursive), all mounts below it, which needs
    /// Linux 5.12 (mount(8) `ro=recursive`, OCI `rro`).
    #[must_use]
    pub fn read_only(self) -> Self {
        self.changing(MountAttrs::RDONLY)
    }

    /// Makes the topmost mount read-only; what is mounted below it stays writable (OCI `ro`).
    #[must_use]
    pub fn read_only_top(self) -> Self {
        self.set(MountAttrs::RDONLY)
    }

    /// Ignores set-user-ID and set-group-ID bits and file capabilities, on the mount and, with
    /// [`recursive`](Self::recursive), on all mounts below it.
    #[must_use]
    pub fn nosuid(self) -> Self {
        self.changing(MountAttrs::NOSUID)
    }

    /// Forbids opening devices, on the mount and, with [`recursive`](Self::recursive), on all mounts below it.
    #[must_use]
    pub fn nodev(self) -> Self {
        self.changing(MountAttrs::NODEV)
    }

    /// Forbids executing programs, on the mount and, with [`recursive`](Self::recursive), on all mounts below
    /// it.
    #[must_use]
    pub fn noexec(self) -> Self {
        self.changing(MountAttrs::NOEXEC)
    }

    fn changing(mut self, attrs: MountAttrs) -> Self {
        self.changes.set_everywhere(attrs);
        self
    }

    /// Sets attributes of the topmost mount. The last change of an attribute applies.
    #[must_use]
    pub fn set(mut self, attrs: MountAttrs) -> Self {
        self.changes.top.set(attrs);
        self
    }

    /// Clears attributes of the topmost mount, also those that this kind of mount has by default. In a user
    /// namespace, inherited attributes cannot be cleared.
    #[must_use]
    pub fn clear(mut self, attrs: MountAttrs) -> Self {
        self.changes.top.clear(attrs);
        self
    }

    /// Sets attributes of all mounts of a tree; without [`recursive`](Self::recursive), of the mount.
    #[must_use]
    pub fn set_all(mut self, attrs: MountAttrs) -> Self {
        self.changes.all.set(attrs);
        self
    }

    /// Clears attributes of all mounts of a tree; without [`recursive`](Self::recursive), of the mount. In a
    /// user namespace, inherited attributes cannot be cleared.
    #[must_use]
    pub fn clear_all(mut self, attrs: MountAttrs) -> Self {
        self.changes.all.clear(attrs);
        self
    }

    /// Sets the propagation type of the topmost mount.
    #[must_use]
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.changes.top.propagation = Some(propagation);
        self
    }

    /// Sets the propagation type of all mounts of a tree.
    #[must_use]
    pub fn with_propagation_all(mut self, propagation: Propagation) -> Self {
        self.changes.all.propagation = Some(propagation);
        self
    }

    /// Adds options of the file system, separated by commas.
    #[must_use]
    pub fn data(mut self, options: impl Into<OsString>) -> Self {
        let options = options.into();
        match &mut self.data {
            Some(data) => data.extend([",".into(), options]),
            None => self.data = Some(options),
        }
        self
    }

    /// Adds flags of the file system: `SYNCHRONOUS`, `DIRSYNC`, `LAZYTIME`, `SILENT` and others of mount(2)
    /// that are not attributes of the mount. `RDONLY` makes the file system itself read-only, not only this
    /// mount of it.
    ///
    /// A [`remount`](Self::remount) of the file system clears `LAZYTIME` unless it is added again.
    #[must_use]
    pub fn flags(mut self, flags: MountFlags) -> Self {
        self.flags |= flags;
        self.clear_flags -= flags;
        self
    }

    /// Clears flags of the file system: those of [`flags`](Self::flags), and in a
    /// [`remount`](Self::remount) those that the file system has.
    #[must_use]
    pub fn clear_flags(mut self, flags: MountFlags) -> Self {
        self.flags -= flags;
        self.clear_flags |= flags;
        self
    }

    /// Starts a new file system with a copy of what the target directory contains (OCI `tmpcopyup`).
    ///
    /// Directories, files and symbolic links are copied with their modes, and with their owners where the
    /// process may set them; also what earlier mounts show there. Devices, FIFOs, sockets and extended
    /// attributes are not copied, and hard links become separate files. The new file system gets the owner
    /// and the mode of the target, unless [`data`](Self::data) sets `uid`, `gid` or `mode`.
    ///
    /// The process must be able to read all of it. Directories may be nested 32 deep. Needs Linux 5.2.
    #[must_use]
    pub fn copy_up(mut self) -> Self {
        self.copy_up = true;
        self
    }

    /// Sets the mode of a new directory, file or device, without regard to the umask.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the owner of a new device.
    #[must_use]
    pub fn owner(mut self, uid: u32, gid: u32) -> Self {
        self.owner = Some((uid, gid));
        self
    }

    /// Replaces the target.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<PathBuf>) -> Self {
        self.target = target.into();
        self
    }

    /// Returns the target, a path of the new root.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Whether it becomes the root, if it is the first mount: a file system, bind, tree or overlay whose
    /// target is `/`.
    pub fn is_root(&self) -> bool {
        let becomes_root = matches!(
            self.kind,
            Kind::New { .. } | Kind::Bind { .. } | Kind::Tree(_) | Kind::Overlay { .. }
        );
        becomes_root && self.is_at_root()
    }

    /// Whether the target is `/`.
    pub(crate) fn is_at_root(&self) -> bool {
        let mut names = self.target.components();
        names.all(|name| matches!(name, Component::RootDir | Component::CurDir))
            && !self.target.as_os_str().is_empty()
    }
}
