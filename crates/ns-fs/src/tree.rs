//! Trees of mounts that the caller opens.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::{format, path};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, open_tree,
};
use thiserror::Error;

use crate::Propagation;
use crate::apply::{OpenedTree, TreeAttributes, change_attributes};
use crate::attributes::{Changes, MountAttrs};

/// A file, a directory with the mounts below it, or a new file system, opened by the caller and mounted by
/// [`Mount::tree`](crate::Mount::tree).
///
/// The caller's permissions apply, not those of the started process, which may have other IDs. If the
/// caller has `CAP_SYS_ADMIN` over its mount namespace, each [`RootPlan`](crate::RootPlan) clones the tree
/// and sets the attributes; the attributes that a new user namespace inherits are not locked then
/// (mount_namespaces(7)), so that a process with `CAP_SYS_ADMIN` in it may clear them. Otherwise the
/// process resolves the path again and verifies that it leads to the same file.
///
/// # Kernel support
/// Linux 5.2; attributes 5.12. On older kernels, the process resolves the path and uses mount(2).
///
/// # Examples
/// ```
/// use ns_fs::{Mount, MountAttrs, Propagation, Tree};
///
/// let tree = Tree::open("/usr")?.recursive();
/// let tree = tree.set(MountAttrs::RDONLY).set_all(MountAttrs::NOSUID);
/// let mount = Mount::tree(tree.propagation(Propagation::Slave), "/usr").create();
/// # assert_eq!(mount.target().to_str(), Some("/usr"));
/// # Ok::<(), ns_fs::TreeError>(())
/// ```
///
/// # References
/// open_tree(2), mount_setattr(2), move_mount(2).
#[derive(Clone, Debug)]
pub struct Tree {
    file: Arc<OwnedFd>,
    /// The absolute path, or the type of a new file system.
    name: PathBuf,
    is_new: bool,
    recursive: bool,
    all: Changes,
    top: Changes,
    userns: Option<Arc<OwnedFd>>,
}

/// A [`Tree`] could not be opened.
#[derive(Debug, Error)]
#[error("{call}: {}", path.display())]
#[non_exhaustive]
pub struct TreeError {
    /// The system call.
    pub call: &'static str,
    /// The path, or the type of the file system.
    pub path: PathBuf,
    /// The errno.
    pub source: io::Error,
}

impl Tree {
    /// Opens a file or directory by its path.
    ///
    /// # Errors
    /// [`TreeError`]: the path cannot be resolved.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TreeError> {
        let path = path.as_ref();
        let failed = |source| TreeError { call: "open", path: path.to_owned(), source };
        let name = path::absolute(path).map_err(failed)?;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = openat(CWD, path, flags, Mode::empty());
        Ok(Self::new(file.map_err(|errno| failed(errno.into()))?, name, false))
    }

    /// Uses an open file or directory, or a detached tree of open_tree(2) or fsmount(2).
    ///
    /// # Errors
    /// [`TreeError`]: there is no `/proc` from which to read the path.
    pub fn from_fd(file: impl Into<OwnedFd>) -> Result<Self, TreeError> {
        let file = file.into();
        let link = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        match fs::read_link(&link) {
            Ok(name) => Ok(Self::new(file, name, false)),
            Err(source) => Err(TreeError { call: "readlink", path: link, source }),
        }
    }

    /// Creates a file system that is not mounted anywhere yet, with options as for mount(8).
    ///
    /// Needs `CAP_SYS_ADMIN` over the caller's mount namespace; without it, use
    /// [`Mount::new`](crate::Mount::new), which the started process mounts. Before Linux 6.15 such a tree
    /// can be mounted only once.
    ///
    /// # Errors
    /// [`TreeError`]: `EPERM`, no privilege; `ENODEV`, no such file system; `EINVAL`, an unknown option;
    /// `ENOSYS`, before Linux 5.2; other errors of the file system.
    ///
    /// # References
    /// fsopen(2), fsconfig(2), fsmount(2).
    pub fn file_system(
        fs_type: impl AsRef<OsStr>,
        source: impl AsRef<OsStr>,
        data: impl AsRef<OsStr>,
    ) -> Result<Self, TreeError> {
        let fs_type = fs_type.as_ref();
        let file = create(fs_type, source.as_ref(), data.as_ref()).map_err(|(call, errno)| {
            TreeError { call, path: fs_type.into(), source: errno.into() }
        })?;
        Ok(Self::new(file, fs_type.into(), true))
    }

    fn new(file: OwnedFd, name: PathBuf, is_new: bool) -> Self {
        let (all, top) = (Changes::default(), Changes::default());
        Self { file: Arc::new(file), name, is_new, recursive: false, all, top, userns: None }
    }

    /// Includes the mounts below the directory.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    /// Sets attributes of the topmost mount. The last change of an attribute applies.
    #[must_use]
    pub fn set(mut self, attrs: MountAttrs) -> Self {
        self.top.set(attrs);
        self
    }

    /// Clears attributes of the topmost mount. A user namespace may not clear those that it inherited.
    #[must_use]
    pub fn clear(mut self, attrs: MountAttrs) -> Self {
        self.top.clear(attrs);
        self
    }

    /// Sets attributes of all mounts of the tree.
    #[must_use]
    pub fn set_all(mut self, attrs: MountAttrs) -> Self {
        self.all.set(attrs);
        self
    }

    /// Clears attributes of all mounts of the tree. A user namespace may not clear those that it inherited.
    #[must_use]
    pub fn clear_all(mut self, attrs: MountAttrs) -> Self {
        self.all.clear(attrs);
        self
    }

    /// Sets the propagation type of the topmost mount.
    #[must_use]
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.top.propagation = Some(propagation);
        self
    }

    /// Sets the propagation type of all mounts of the tree.
    #[must_use]
    pub fn propagation_all(mut self, propagation: Propagation) -> Self {
        self.all.propagation = Some(propagation);
        self
    }

    /// Maps the owners of files through the ID maps of a user namespace: an ID mount.
    ///
    /// With [`recursive`](Self::recursive), all mounts of the tree are mapped. Needs `CAP_SYS_ADMIN` over the
    /// user namespace of each file system, which for a disk is the initial one.
    ///
    /// # Kernel support
    /// Linux 5.12; ext4, xfs 5.12, btrfs 5.15, overlayfs 5.19, tmpfs 6.3.
    ///
    /// # References
    /// mount_setattr(2) "ID-mapped mounts".
    #[must_use]
    pub fn idmap(mut self, userns: impl Into<OwnedFd>) -> Self {
        self.userns = Some(Arc::new(userns.into()));
        self
    }

    /// Returns the absolute path, or the type of a new file system.
    pub fn path(&self) -> &Path {
        &self.name
    }

    pub(crate) fn is_recursive(&self) -> bool {
        self.recursive
    }

    pub(crate) fn is_contradictory(&self) -> bool {
        self.all.is_contradictory() || self.top.is_contradictory()
    }

    pub(crate) fn attributes(&self) -> TreeAttributes {
        // Without the mounts below, all mounts of the tree are the topmost one.
        let none = Changes::default();
        let (all, top) = (self.all, self.top);
        let (all, top) = if self.recursive { (all, top) } else { (none, all.then(top)) };
        TreeAttributes { all: all.compile(), top: top.compile() }
    }

    /// Clones the tree and sets its attributes, for one process.
    pub(crate) fn open_for_child(&self) -> Result<(OpenedTree, OwnedFd), TreeError> {
        let failed =
            |call, errno: Errno| TreeError { call, path: self.name.clone(), source: errno.into() };
        let duplicate = || {
            self.file.try_clone().map_err(|source| TreeError {
                call: "fcntl",
                path: self.name.clone(),
                source,
            })
        };
        let tree = match self.clone_detached() {
            Ok(tree) => tree,
            // Before Linux 6.15 a detached tree cannot be cloned: the process mounts this one.
            Err(Errno::INVAL) if self.is_detached() => duplicate()?,
            Err(Errno::PERM | Errno::NOSYS) if !self.is_new && self.userns.is_none() => {
                let file = duplicate()?;
                return Ok((OpenedTree::File(file.as_raw_fd()), file));
            }
            Err(errno) => return Err(failed("open_tree", errno)),
        };
        let userns = self.userns.as_ref().map(AsFd::as_fd);
        let attributes = self.attributes();
        if !attributes.is_empty() || userns.is_some() {
            change_attributes(tree.as_fd(), attributes, userns, self.recursive)
                .map_err(|errno| failed("mount_setattr", errno))?;
        }
        Ok((OpenedTree::Detached(tree.as_raw_fd()), tree))
    }

    fn clone_detached(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let flags = flags | OpenTreeFlags::AT_EMPTY_PATH;
        let tree =
            if self.recursive { OpenTreeFlags::AT_RECURSIVE } else { OpenTreeFlags::empty() };
        open_tree(&self.file, "", flags | tree)
    }

    /// Whether the file is in no mount namespace: mountinfo does not list its mount.
    fn is_detached(&self) -> bool {
        self.is_new || !is_listed(self.file.as_fd())
    }
}

/// Whether mountinfo lists the mount of a file; true if `/proc` cannot be read.
fn is_listed(file: BorrowedFd<'_>) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let Ok(info) = info else { return true };
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return true };
    mounts.lines().any(|line| line.split(' ').next() == id)
}

fn create(fs_type: &OsStr, source: &OsStr, data: &OsStr) -> Result<OwnedFd, (&'static str, Errno)> {
    let context =
        fsopen(fs_type, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| ("fsopen", errno))?;
    let context = context.as_fd();
    let set = |errno| ("fsconfig", errno);
    if !source.is_empty() {
        fsconfig_set_string(context, "source", source).map_err(set)?;
    }
    for (key, value) in split_options(data) {
        match value {
            Some(value) => fsconfig_set_string(context, key, value),
            None => fsconfig_set_flag(context, key),
        }
        .map_err(set)?;
    }
    fsconfig_create(context).map_err(set)?;
    let flags = (FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
    fsmount(context, flags.0, flags.1).map_err(|errno| ("fsmount", errno))
}

/// Splits options as mount(8) writes them: `key` or `key=value`, separated by commas.
pub(crate) fn split_options(data: &OsStr) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
    let options = data.as_bytes().split(|byte| *byte == b',').filter(|option| !option.is_empty());
    options.map(|option| {
        let mut parts = option.splitn(2, |byte| *byte == b'=').map(OsStr::from_bytes);
        (parts.next().unwrap_or_default(), parts.next())
    })
}
