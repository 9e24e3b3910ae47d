//! Attributes of a mount, and the older way to set them.

use core::ffi::CStr;

use ns_sys::child::{self, AtFlags, MountAttr, MountFlags, OFlags};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::handle::Handle;
use super::here;
use super::open_path::open_path;
use crate::{Step, StepError};

/// `AT_RECURSIVE` of include/uapi/linux/fcntl.h.
const RECURSIVE: AtFlags = AtFlags::from_bits_retain(0x8000);

/// The `ST_*` flags of statfs(2) beside the `MS_*` flags of mount(2) that keep them.
const KEPT: [(u64, MountFlags); 8] = [
    (1, MountFlags::RDONLY),
    (2, MountFlags::NOSUID),
    (4, MountFlags::NODEV),
    (8, MountFlags::NOEXEC),
    (1024, MountFlags::NOATIME),
    (2048, MountFlags::NODIRATIME),
    (4096, MountFlags::RELATIME),
    (8192, MountFlags::from_bits_retain(MS_NOSYMFOLLOW)),
];

/// The `MOUNT_ATTR_*` bits that have an `MS_*` flag of the same value: rdonly, nosuid, nodev, noexec.
const SAME: u64 = 15;

/// `mount_setattr(AT_FDCWD, ".", 0, {MOUNT_ATTR_RDONLY})` — makes the mount whose root is the working
/// directory read-only.
///
/// That mount alone: mounts below it keep their own attributes.
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
/// Linux 5.12; before, a remount that names the flags which a user namespace may not drop.
///
/// # References
/// mount_setattr(2), mount(2), mount_namespaces(7) "Restrictions on mount namespaces".
pub fn read_only_here() -> core::result::Result<(), StepError> {
    let set = match set_attributes(here(), c".", RDONLY, false) {
        Err(Errno::NOSYS) => {
            open_path(here(), c".", OFlags::DIRECTORY).and_then(|root| remount(&root, c".", RDONLY))
        }
        other => other,
    };
    set.map_err(|errno| StepError { step: Step::ReadOnlyRoot, errno })
}

/// `MOUNT_ATTR_RDONLY`.
const RDONLY: u64 = 1;

/// Sets attributes of the mount at `path`, an empty one for the mount that `dir` is the root of.
pub(super) fn set_attributes(
    dir: BorrowedFd<'_>,
    path: &CStr,
    attributes: u64,
    recursive: bool,
) -> Result<()> {
    let tree = if recursive { RECURSIVE } else { AtFlags::empty() };
    let wish = MountAttr { attr_set: attributes, ..MountAttr::default() };
    child::mount_setattr(dir, path, AtFlags::EMPTY_PATH.union(tree), &wish)
}

/// Sets attributes of one mount by a remount, which takes those away that it does not name, and in a
/// user namespace may not. `path` leads to the mount that `root` is the root of.
pub(super) fn remount(root: &Handle, path: &CStr, attributes: u64) -> Result<()> {
    // What it cannot say is not left out.
    if attributes & !SAME != 0 {
        return Err(Errno::NOSYS);
    }
    let present = child::fstatfs(root.as_fd())?.flags;
    let wish = MountFlags::from_bits_truncate((attributes & SAME) as u32);
    let flags = KEPT
        .iter()
        .filter(|(told, _)| present & told != 0)
        .fold(wish, |flags, (_, kept)| flags.union(*kept));
    let remount = MountFlags::from_bits_retain(MS_REMOUNT).union(MountFlags::BIND);
    child::mount(None, path, None, flags.union(remount), None)
}

/// Of include/uapi/linux/mount.h.
const MS_REMOUNT: u32 = 32;
const MS_NOSYMFOLLOW: u32 = 256;
