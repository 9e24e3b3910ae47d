//! Binding an open file to a path, and undoing it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};
use thiserror::Error;

/// An error of [`bind_file`] or [`unbind_file`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The file at `path` could not be created.
    #[error("could not create {}", path.display())]
    Make {
        /// The path.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// The bind mount failed; the file created at `path` is removed again.
    #[error("could not mount at {}", path.display())]
    Mount {
        /// The path.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// The mount at `path` could not be removed, or there is none.
    #[error("could not unmount {}", path.display())]
    Unmount {
        /// The path.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// The mount is gone, but the file at `path` could not be removed.
    #[error("could not remove {}", path.display())]
    Remove {
        /// The path.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
}

/// `open_tree(file, "", OPEN_TREE_CLONE)`, `move_mount` — creates a file at `path` and binds an open
/// file there.
///
/// The bound file lives as long as the mount, even when no process has it open. The mount belongs to
/// the caller's mount namespace and propagates from there like any other. Needs `CAP_SYS_ADMIN` over
/// that mount namespace.
///
/// # Errors
/// - [`BindError::Make`]: `EEXIST`, something exists at `path`; any error of path resolution.
/// - [`BindError::Mount`]: `EPERM`, no `CAP_SYS_ADMIN` over the mount namespace; `EINVAL`, the file
///   lies in another mount namespace, or is a mount namespace not created after the caller's;
///   `ENOSYS`, before Linux 5.2.
///
/// # Async-signal-safety
/// May not be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # Examples
/// ```no_run
/// let net = std::fs::File::open("/proc/self/ns/net")?;
/// ns_fs::bind_file(&net, "/run/net").expect("root");
/// ns_fs::unbind_file("/run/net").expect("root");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// open_tree(2), move_mount(2), namespaces(7) "Namespace lifetime"; fs/namespace.c `mnt_ns_loop`.
pub fn bind_file(file: impl AsFd, path: impl AsRef<Path>) -> Result<(), BindError> {
    let path = path.as_ref();
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = openat(CWD, path, flags, Mode::empty())
        .map_err(|errno| BindError::Make { path: path.to_owned(), source: errno.into() })?;
    mount_at(file, &target).map_err(|errno| {
        let _ = fs::remove_file(path);
        BindError::Mount { path: path.to_owned(), source: errno.into() }
    })
}

fn mount_at(file: impl AsFd, target: &OwnedFd) -> rustix::io::Result<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(file, "", flags | OpenTreeFlags::AT_EMPTY_PATH)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", target, "", flags)
}

/// `umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW)`, `unlink(path)` — undoes [`bind_file`].
///
/// Descriptors of the bound file stay open. Needs `CAP_SYS_ADMIN` over the mount namespace.
///
/// # Errors
/// - [`BindError::Unmount`]: `EINVAL`, nothing is mounted at `path`; `EPERM`, no `CAP_SYS_ADMIN` over
///   the mount namespace; `ENOENT`, `path` does not exist.
/// - [`BindError::Remove`]: `EBUSY`, another mount is left at `path`; any error of path resolution.
///
/// # Async-signal-safety
/// May not be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.34.
///
/// # References
/// umount2(2), unlink(2).
pub fn unbind_file(path: impl AsRef<Path>) -> Result<(), BindError> {
    let path = path.as_ref();
    unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)
        .map_err(|errno| BindError::Unmount { path: path.to_owned(), source: errno.into() })?;
    fs::remove_file(path).map_err(|source| BindError::Remove { path: path.to_owned(), source })
}
