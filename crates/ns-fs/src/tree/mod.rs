//! Trees of mounts that the caller opens.

mod detached;
mod file_system;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::{format, path};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use thiserror::Error;

use crate::Propagation;
use crate::apply::{OpenedTree, TreeAttributes, change_attributes};
use crate::attributes::{Changes, MountAttrs};

use detached::{is_listed, isolate};
use file_system::create;
pub(crate) use file_system::split_options;

/// A file, a directory with the mounts below it, or a new file system, opened by the caller and mounted by
/// [`Mount::tree`](crate::Mount::tree).
///
/// If the caller has `CAP_SYS_ADMIN` over its mount namespace, the caller's permissions apply, not those of
/// the started process: each [`RootPlan`](crate::RootPlan) clones the tree and sets the attributes. Otherwise
/// the process resolves the path again with its own permissions; it is an error, `ESTALE`, if the path leads
/// to another file.
///
/// The mounts of a cloned tree are not locked (mount_namespaces(7)): a process with `CAP_SYS_ADMIN` in a new
/// user namespace may clear their attributes, and unmount the mounts below, which uncovers what they hide.
/// For a tree that such a process shares with the host, use [`Mount::bind`](crate::Mount::bind).
///
/// The propagation type is that of the other mounts of the process, so that no mount below the tree propagates to
/// the caller; see [`Root::propagation`](crate::Root::propagation).
///
/// # Kernel support
/// Linux 5.2; attributes of more than one mount, and ID maps, 5.12. On older kernels, the process resolves
/// the path and uses mount(2).
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
    changes: Changes,
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
        let (file, changes) = (Arc::new(file), Changes::default());
        Self { file, name, is_new, recursive: false, changes, userns: None }
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
        self.changes.top.set(attrs);
        self
    }

    /// Clears attributes of the topmost mount. A user namespace may not clear those that it inherited.
    #[must_use]
    pub fn clear(mut self, attrs: MountAttrs) -> Self {
        self.changes.top.clear(attrs);
        self
    }

    /// Sets attributes of all mounts of the tree.
    #[must_use]
    pub fn set_all(mut self, attrs: MountAttrs) -> Self {
        self.changes.all.set(attrs);
        self
    }

    /// Clears attributes of all mounts of the tree. A user namespace may not clear those that it inherited.
    #[must_use]
    pub fn clear_all(mut self, attrs: MountAttrs) -> Self {
        self.changes.all.clear(attrs);
        self
    }

    /// Sets the propagation type of the topmost mount.
    #[must_use]
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.changes.top.propagation = Some(propagation);
        self
    }

    /// Sets the propagation type of all mounts of the tree.
    #[must_use]
    pub fn propagation_all(mut self, propagation: Propagation) -> Self {
        self.changes.all.propagation = Some(propagation);
        self
    }

    /// Makes an ID-mapped mount: file owners are mapped through the ID maps of a user namespace.
    ///
    /// With [`recursive`](Self::recursive), all mounts of the tree are mapped. Needs `CAP_SYS_ADMIN` over the
    /// user namespace of each file system, which for a disk is the initial one.
    ///
    /// # Kernel support
    /// Linux 5.12: ext4 and xfs; 5.15: btrfs; 5.19: layers of overlayfs; 6.3: tmpfs.
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

    pub(crate) fn changes(&self) -> Changes {
        self.changes
    }

    pub(crate) fn attributes(&self) -> TreeAttributes {
        self.changes.compile(self.recursive)
    }

    /// Clones the tree and sets its attributes, for one process. `propagation` is that of the process's mounts.
    pub(crate) fn open_for_child(
        &self,
        propagation: Option<Propagation>,
    ) -> Result<(OpenedTree, OwnedFd), TreeError> {
        let failed =
            |call, errno: Errno| TreeError { call, path: self.name.clone(), source: errno.into() };
        let duplicate = || {
            self.file.try_clone().map_err(|source| TreeError {
                call: "fcntl",
                path: self.name.clone(),
                source,
            })
        };
        let file = || {
            let file = duplicate()?;
            Ok((OpenedTree::File(file.as_raw_fd()), file))
        };
        let tree = match self.clone_detached() {
            Ok(tree) => tree,
            // Before Linux 6.15 a detached tree cannot be cloned: the process mounts this one.
            Err(Errno::INVAL) if self.is_detached() => duplicate()?,
            Err(Errno::PERM | Errno::NOSYS) if !self.is_new && self.userns.is_none() => {
                return file();
            }
            Err(errno) => return Err(failed("open_tree", errno)),
        };
        // A clone of a shared mount is its peer: mounts of the process below it would propagate to the caller.
        if let Some(propagation) = self.isolation(propagation) {
            isolate(tree.as_fd(), propagation).map_err(|(call, errno)| failed(call, errno))?;
        }
        let userns = self.userns.as_ref().map(AsFd::as_fd);
        match change_attributes(tree.as_fd(), self.attributes(), userns, self.recursive) {
            Ok(()) => {}
            // Before Linux 5.12 the process makes the changes by remounts.
            Err(Errno::NOSYS) if userns.is_none() && !self.is_detached() => return file(),
            Err(errno) => return Err(failed("mount_setattr", errno)),
        }
        Ok((OpenedTree::Detached(tree.as_raw_fd()), tree))
    }

    /// The propagation type of all mounts before the tree's own settings, which may keep the caller as a master.
    fn isolation(&self, of_process: Option<Propagation>) -> Option<Propagation> {
        match (of_process, self.changes.all.propagation.or(self.changes.top.propagation)) {
            (None | Some(Propagation::Private), Some(Propagation::Slave | Propagation::Shared)) => {
                Some(Propagation::Slave)
            }
            // The caller has set that of the process's mounts, of which the tree is none yet.
            (None, _) => Some(Propagation::Private),
            (of_process, _) => of_process,
        }
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
