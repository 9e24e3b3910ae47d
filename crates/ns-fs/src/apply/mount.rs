//! Mounts below the directory that becomes the root.

use core::ffi::CStr;

use ns_sys::child::{self, MountFlags, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::attributes::{remount_fd, set_attributes};
use super::bind::bind;
use super::fd_path::FdPath;
use super::handle::{CWD, Handle, open_path};
use super::in_root::{FileType, resolve, resolve_or_create};
use super::mount_step::{Mount, MountKind};
use crate::{Step, StepError};

/// `mount(source, target, …)` — mounts a file system, binds a tree or makes a symbolic link at a target.
///
/// The target is resolved inside `root`: no symbolic link leads out. A relative source of a bind starts
/// at the working directory, which does not change.
///
/// # Errors
/// [`Step::MountTarget`] with the index:
/// - `ENOENT`, `ENOTDIR`: the target does not exist; `EACCES`: no search permission on its path.
/// - `EBUSY`: the target is the root itself, where a mount would be hidden.
/// - `ELOOP`: too many symbolic links; a magic link of proc(5); before Linux 5.6 any symbolic link.
/// - `EROFS`, `EOVERFLOW`: the target cannot be created.
///
/// [`Step::Mount`] with the index:
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace. In a user namespace also: proc without a new
///   pid namespace, or with a `/proc` that is masked in part; sysfs without a new network namespace;
///   mqueue without a new ipc namespace; any file system that needs a device.
/// - `EBUSY`: sysfs or mqueue of the same namespace is already mounted at the target.
/// - `EINVAL`: unknown options; a bind without `recursive` of a directory whose inherited mounts the
///   user namespace may not uncover; a devpts gid that is not mapped.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: the source cannot be resolved. `ENOENT` also: there is no
///   `/proc`, and the target or the working directory denies search permission.
/// - `ENODEV`: the kernel has no such file system.
/// - `ENOSYS`: attributes of a whole tree, before Linux 5.12.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.12 for everything; before 5.6 targets may contain no symbolic links, before 5.2 a bind needs
/// `/proc`.
///
/// # References
/// mount(2), open_tree(2), move_mount(2), openat2(2), user_namespaces(7); fs/namespace.c.
pub fn mount(root: BorrowedFd<'_>, mount: Mount<'_>) -> core::result::Result<(), StepError> {
    let target = target(root, mount).map_err(Step::MountTarget(mount.index).failed())?;
    match mount.kind {
        MountKind::Attributes { attributes } => set_or_remount(&target, attributes),
        MountKind::New { fs_type, source, flags, data } => {
            new(&target, source, fs_type, flags, data)
        }
        MountKind::Bind { .. } => bind(root, &target, mount),
        MountKind::Link { name, to } => child::symlinkat(to, target.as_fd(), name),
    }
    .map_err(Step::Mount(mount.index).failed())
}

fn target(root: BorrowedFd<'_>, mount: Mount<'_>) -> Result<Handle> {
    let target = match resolve(root, mount.target) {
        Err(Errno::NOENT) if mount.create => {
            resolve_or_create(root, mount.target, file_type(mount.kind))
        }
        other => other,
    }?;
    let mounts = matches!(mount.kind, MountKind::New { .. } | MountKind::Bind { .. });
    if mounts && is_same_file(root, target.as_fd()) { Err(Errno::BUSY) } else { Ok(target) }
}

/// Whether `target` and `root` are the same file: the target path may contain a symbolic link to the root. Always
/// false if statx(2) is missing.
fn is_same_file(root: BorrowedFd<'_>, target: BorrowedFd<'_>) -> bool {
    matches!((child::file_id(root), child::file_id(target)), (Ok(root), Ok(target)) if root == target)
}

/// The type of a missing target: a file can only be bound on a file.
fn file_type(kind: MountKind<'_>) -> FileType {
    match kind {
        MountKind::Bind { source, .. } if !is_directory(source) => FileType::Regular,
        _ => FileType::Directory,
    }
}

fn is_directory(path: &CStr) -> bool {
    !matches!(open_path(CWD, path, OFlags::DIRECTORY), Err(Errno::NOTDIR))
}

/// Mounts on the open target: a path would be resolved again and could lead elsewhere.
fn new(
    target: &Handle,
    source: &CStr,
    fs_type: &CStr,
    flags: MountFlags,
    data: Option<&CStr>,
) -> Result<()> {
    let mount_at = |path: &CStr| child::mount(Some(source), path, Some(fs_type), flags, data);
    match enter(target) {
        Ok(previous) => {
            let mounted = mount_at(c".");
            child::fchdir(previous.as_fd()).and(mounted)
        }
        // fchdir(2) needs search permission on the target and on the working directory; mount(2) needs
        // neither, so that a mount can hide a directory that may not be searched.
        Err(Errno::ACCESS) => mount_at(FdPath::new(target.as_raw_fd()).as_c_str()),
        Err(errno) => Err(errno),
    }
}

/// Changes the working directory, and returns the previous one.
fn enter(target: &Handle) -> Result<Handle> {
    let previous = open_path(CWD, c".", OFlags::DIRECTORY)?;
    child::fchdir(target.as_fd()).map(|()| previous)
}

fn set_or_remount(mounted: &Handle, attributes: u64) -> Result<()> {
    match set_attributes(mounted.as_fd(), c"", attributes, false) {
        Err(Errno::NOSYS) => remount_fd(mounted, attributes),
        other => other,
    }
}
