//! Attributes of a mount, by mount_setattr(2) or by a remount.

use core::ffi::CStr;

use ns_sys::child::{self, AtFlags, MountAttr, MountFlags, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::fd_path::FdPath;
use super::handle::{CWD, Handle, open_path};
use crate::{Step, StepError};

/// `AT_RECURSIVE` of include/uapi/linux/fcntl.h.
const RECURSIVE: AtFlags = AtFlags::from_bits_retain(0x8000);

/// The `ST_*` flags of statfs(2), and the `MS_*` flags that keep them in a remount.
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

/// The `MOUNT_ATTR_*` bits with the value of their `MS_*` flag: rdonly, nosuid, nodev, noexec.
const SAME_VALUE: u64 = 15;

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
    let set = match set_attributes(CWD, c".", RDONLY, false) {
        Err(Errno::NOSYS) => {
            open_path(CWD, c".", OFlags::DIRECTORY).and_then(|root| remount(&root, c".", RDONLY))
        }
        other => other,
    };
    set.map_err(Step::ReadOnlyRoot.failed())
}

/// `MOUNT_ATTR_RDONLY`.
const RDONLY: u64 = 1;

/// Sets attributes of the mount at `path`. With an empty path, `dir` is the root of the mount.
pub(super) fn set_attributes(
    dir: BorrowedFd<'_>,
    path: &CStr,
    attributes: u64,
    recursive: bool,
) -> Result<()> {
    let tree = if recursive { RECURSIVE } else { AtFlags::empty() };
    let attr = MountAttr { attr_set: attributes, ..MountAttr::default() };
    child::mount_setattr(dir, path, AtFlags::EMPTY_PATH.union(tree), &attr)
}

/// Sets attributes of the mount whose root is `mounted`, without those below it, by a remount.
pub(super) fn remount_fd(mounted: &Handle, attributes: u64) -> Result<()> {
    remount(mounted, FdPath::new(mounted.as_raw_fd()).as_c_str(), attributes)
}

/// Sets attributes of one mount by a remount. `path` leads to the mount whose root is `root`.
///
/// A remount clears each flag that it does not repeat, which a user namespace may not do with
/// inherited flags.
fn remount(root: &Handle, path: &CStr, attributes: u64) -> Result<()> {
    // Fails instead of leaving out what a remount cannot express.
    if attributes & !SAME_VALUE != 0 {
        return Err(Errno::NOSYS);
    }
    let present = child::fstatfs(root.as_fd())?.flags;
    let set = MountFlags::from_bits_truncate((attributes & SAME_VALUE) as u32);
    let flags = KEPT
        .iter()
        .filter(|(st, _)| present & st != 0)
        .fold(set, |flags, (_, ms)| flags.union(*ms));
    let remount = MountFlags::from_bits_retain(MS_REMOUNT).union(MountFlags::BIND);
    child::mount(None, path, None, flags.union(remount), None)
}

/// Of include/uapi/linux/mount.h.
const MS_REMOUNT: u32 = 32;
const MS_NOSYMFOLLOW: u32 = 256;
