//! An open file that gets a path, and loses it again.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};
use thiserror::Error;

/// A file that was not bound, or not unbound.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The file at which it is to be bound cannot be made.
    #[error("make {}", path.display())]
    Make {
        /// Which file.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// It cannot be bound there; the file that was made is removed again.
    #[error("mount at {}", path.display())]
    Mount {
        /// Which file.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// Nothing is bound there, or it cannot be taken away.
    #[error("unmount {}", path.display())]
    Unmount {
        /// Which file.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// The file is left, with nothing bound there.
    #[error("remove {}", path.display())]
    Remove {
        /// Which file.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
}

/// `open_tree(file, "", OPEN_TREE_CLONE)`, `move_mount` — binds an open file at `path`, which is made.
///
/// What is bound lives as long as the mount, without anybody who has it open. The mount is one of the
/// caller's mount namespace, and travels from there as others do.
///
/// # Errors
/// - [`BindError::Make`]: `EEXIST`, there is something at `path`; those about the path.
/// - [`BindError::Mount`]: `EPERM`, no `CAP_SYS_ADMIN` over the mount namespace; `EINVAL`, the file
///   lies in another mount namespace, or is itself one that is no younger than the caller's; `ENOSYS`,
///   before Linux 5.2.
///
/// # Async-signal-safety
/// Not between clone and exec.
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
    let made = openat(CWD, path, flags, Mode::empty())
        .map_err(|errno| BindError::Make { path: path.to_owned(), source: errno.into() })?;
    mount_at(file, &made).map_err(|errno| {
        let _ = fs::remove_file(path);
        BindError::Mount { path: path.to_owned(), source: errno.into() }
    })
}

fn mount_at(file: impl AsFd, place: &OwnedFd) -> rustix::io::Result<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(file, "", flags | OpenTreeFlags::AT_EMPTY_PATH)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", place, "", flags)
}

/// `umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW)`, `unlink(path)` — undoes [`bind_file`].
///
/// Who has the file open keeps it.
///
/// # Errors
/// - [`BindError::Unmount`]: `EINVAL`, nothing is mounted there; `EPERM`, no `CAP_SYS_ADMIN` over the mount
///   namespace; `ENOENT`.
/// - [`BindError::Remove`]: `EBUSY`, it is bound there more than once; those about the path.
///
/// # Async-signal-safety
/// Not between clone and exec.
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
