//! Mounts below a directory that is to become the root.

use core::ffi::CStr;

use ns_sys::child::{self, MountFlags, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::attributes::{remount, set_attributes};
use super::bind::bind;
use super::fd_path::FdPath;
use super::handle::Handle;
use super::here;
use super::in_root::{Make, resolve, resolve_or_make};
use super::open_path::open_path;
use crate::{Step, StepError};

/// One mount, or one link, below a new root.
#[derive(Clone, Copy, Debug)]
pub struct Mount<'a> {
    /// Its position in the list of wishes, for the error.
    pub index: u32,
    /// Where, in the new root.
    pub target: &'a CStr,
    /// Whether to make the target, and the directories that lead there, if they are missing.
    pub create: bool,
    /// What.
    pub kind: MountKind<'a>,
}

/// What comes to a target.
#[derive(Clone, Copy, Debug)]
pub enum MountKind<'a> {
    /// A new file system, on a directory.
    New {
        /// Its name in filesystems(5).
        fs_type: &'a CStr,
        /// What it is made from; some take any text.
        source: &'a CStr,
        /// Read-only and the like.
        flags: MountFlags,
        /// Options of the file system, separated by commas.
        data: Option<&'a CStr>,
    },
    /// A file or directory that is somewhere else already.
    Bind {
        /// Where it is, as the caller sees it before the change of root.
        source: &'a CStr,
        /// Whether the mounts below come along.
        recursive: bool,
        /// `MOUNT_ATTR_*` bits to set: read-only and the like.
        attributes: u64,
    },
    /// Not a mount: attributes for the one that is there already, and for it alone.
    Attributes {
        /// `MOUNT_ATTR_*` bits to set.
        attributes: u64,
    },
    /// A symbolic link; `create` has no meaning for it.
    Link {
        /// Its name in the directory that is the target.
        name: &'a CStr,
        /// Where it leads, which nobody looks at.
        to: &'a CStr,
    },
}

/// `mount(source, target, …)` — mounts a file system, binds a tree or makes a link at a target that is
/// resolved inside `root`, whatever symbolic links are there.
///
/// A relative source of a bind begins at the working directory, which stays.
///
/// # Errors
/// [`Step::MountTarget`] with the index:
/// - `ENOENT`, `ENOTDIR`: of the target; `EACCES`: a directory on the way may not be searched.
/// - `EBUSY`: it is the root itself, on which nobody would see a mount.
/// - `ELOOP`: too many symbolic links, or any before Linux 5.6; also one that only proc can resolve.
/// - `EROFS`, `EOVERFLOW`: it cannot be made there.
///
/// [`Step::Mount`] with the index:
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace. In a user namespace also: proc without a pid
///   namespace of its own or under a masked `/proc`; sysfs without a network namespace of its own,
///   mqueue without an ipc namespace; any file system that needs a device.
/// - `EBUSY`: sysfs or mqueue, where that of the same namespace is mounted already.
/// - `EINVAL`: unknown options; a bind that is not recursive of a directory with mounts which the user
///   namespace may not lift; a devpts gid that is not mapped.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: of the source. `ENOENT` also: there is no `/proc`, which a
///   mount needs where the target or the working directory may not be searched.
/// - `ENODEV`: no such file system in this kernel.
/// - `ENOSYS`: attributes for a whole tree, before Linux 5.12.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.12 for all; before 5.2 a bind needs `/proc`, before 5.6 targets may have no links.
///
/// # References
/// mount(2), open_tree(2), move_mount(2), openat2(2), user_namespaces(7); fs/namespace.c.
pub fn mount(root: BorrowedFd<'_>, mount: Mount<'_>) -> core::result::Result<(), StepError> {
    let failed = |step| move |errno| StepError { step, errno };
    let target = target(root, mount).map_err(failed(Step::MountTarget(mount.index)))?;
    match mount.kind {
        MountKind::Attributes { attributes } => attach_attributes(&target, attributes),
        MountKind::New { fs_type, source, flags, data } => {
            new(&target, source, fs_type, flags, data)
        }
        MountKind::Bind { .. } => bind(root, &target, mount),
        MountKind::Link { name, to } => child::symlinkat(to, target.as_fd(), name),
    }
    .map_err(failed(Step::Mount(mount.index)))
}

fn target(root: BorrowedFd<'_>, mount: Mount<'_>) -> Result<Handle> {
    let target = match resolve(root, mount.target) {
        Err(Errno::NOENT) if mount.create => resolve_or_make(root, mount.target, make(mount.kind)),
        other => other,
    }?;
    let mounts = matches!(mount.kind, MountKind::New { .. } | MountKind::Bind { .. });
    if mounts && is_same_place(root, target.as_fd()) { Err(Errno::BUSY) } else { Ok(target) }
}

/// A link in the root may lead to the root; where statx(2) is missing, nobody sees that.
fn is_same_place(root: BorrowedFd<'_>, target: BorrowedFd<'_>) -> bool {
    matches!((child::place(root), child::place(target)), (Ok(root), Ok(target)) if root == target)
}

/// A file can only be bound on a file.
fn make(kind: MountKind<'_>) -> Make {
    match kind {
        MountKind::Bind { source, .. } if !is_directory(source) => Make::File,
        _ => Make::Directory,
    }
}

fn is_directory(path: &CStr) -> bool {
    !matches!(open_path(here(), path, OFlags::DIRECTORY), Err(Errno::NOTDIR))
}

/// The target was resolved; a path would be resolved again, and may lead elsewhere by now.
fn new(
    target: &Handle,
    source: &CStr,
    fs_type: &CStr,
    flags: MountFlags,
    data: Option<&CStr>,
) -> Result<()> {
    let mount_at = |path: &CStr| child::mount(Some(source), path, Some(fs_type), flags, data);
    match enter(target) {
        Ok(start) => {
            let mounted = mount_at(c".");
            child::fchdir(start.as_fd()).and(mounted)
        }
        // mount(2) needs no permission to search its target, where it is to hide one, and none to
        // search the working directory.
        Err(Errno::ACCESS) => mount_at(FdPath::new(target.as_raw_fd()).as_c_str()),
        Err(errno) => Err(errno),
    }
}

/// Goes to a directory, and holds the one left.
fn enter(target: &Handle) -> Result<Handle> {
    let start = open_path(here(), c".", OFlags::DIRECTORY)?;
    child::fchdir(target.as_fd()).map(|()| start)
}

fn attach_attributes(mounted: &Handle, attributes: u64) -> Result<()> {
    match set_attributes(mounted.as_fd(), c"", attributes, false) {
        Err(Errno::NOSYS) => {
            remount(mounted, FdPath::new(mounted.as_raw_fd()).as_c_str(), attributes)
        }
        other => other,
    }
}
