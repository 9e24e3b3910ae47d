//! Entering the new root, and making it the root.

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::{
    self, MountFlags, MountPropagationFlags, MoveMountFlags, OFlags, UnmountFlags,
};
use ns_sys::fd::{AsFd, BorrowedFd};

use super::bind::move_to;
use super::handle::{CWD, open_path};
use super::source::{Opened, clone_tree};
use crate::{Step, StepError};

/// `mount(new_root, "/", NULL, MS_BIND | MS_REC, NULL)`, `chdir("/..")` — binds a directory onto `/`, because
/// pivot_root(2) needs a mount point, and enters it.
///
/// `new_root` is resolved once, and may be any name of any directory, the current root among them: it can
/// then be made read-only, for example. Paths that begin with `/` still lead to the current root.
///
/// The bind is recursive, because a user namespace may not uncover what an inherited mount covers.
/// Call [`propagation`](crate::apply::propagation) first: on a shared mount the bind would propagate
/// to the caller's namespace, and pivot_root(2) would refuse it.
///
/// # Errors
/// [`Step::OpenRoot`]:
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: the path cannot be resolved.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: the mount of the directory is unbindable.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.4.
///
/// # References
/// mount(2), pivot_root(2); fs/namespace.c.
pub fn bind_new_root(new_root: &CStr) -> Result<(), StepError> {
    bind_on_root(new_root, true).map_err(Step::OpenRoot.failed())
}

/// Binds a directory onto itself, and enters it. Its name is resolved once.
pub(super) fn bind_in_place(new_root: &CStr) -> Result<(), StepError> {
    let directory = open_path(CWD, new_root, OFlags::DIRECTORY);
    let directory = directory.map_err(Step::OpenRoot.failed())?;
    match clone_tree(directory.as_fd(), c"", true).map_err(Step::OpenRoot.failed())? {
        // By mount(2) no name leads to the new mount if the directory is the present root.
        Opened::File(_) => Err(Step::OpenRoot.failed()(Errno::NOSYS)),
        tree => move_to(tree.as_fd(), directory.as_fd())
            .and_then(|()| child::fchdir(tree.as_fd()))
            .map_err(Step::OpenRoot.failed()),
    }
}

/// `mount(".", "/", NULL, MS_MOVE, NULL)` — moves the mount in the working directory onto `/`.
pub(super) fn move_to_root() -> Result<(), StepError> {
    const MS_MOVE: MountFlags = MountFlags::from_bits_retain(1 << 13);
    child::mount(Some(c"."), c"/", None, MS_MOVE, None).map_err(Step::Chroot.failed())
}

/// Mounts a detached tree on `/`, and enters it.
pub(super) fn enter_tree(tree: BorrowedFd<'_>) -> ns_sys::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    child::move_mount(tree, c"", CWD, c"/", flags)?;
    child::fchdir(tree)
}

/// Binds a directory onto `/`, and enters it.
pub(super) fn bind_on_root(path: &CStr, recursive: bool) -> ns_sys::Result<()> {
    let tree = if recursive { MountFlags::REC } else { MountFlags::empty() };
    child::mount(Some(path), c"/", None, MountFlags::BIND.union(tree), None)?;
    child::chdir(TOP)
}

/// The mount on top of `/`, to which `/` itself does not lead.
pub(super) const TOP: &CStr = c"/..";

/// `chdir(new_root)` — enters the directory that becomes the root.
///
/// # Errors
/// [`Step::OpenRoot`]:
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: the path cannot be resolved.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// chdir(2); fs/open.c.
pub fn enter_new_root(new_root: &CStr) -> Result<(), StepError> {
    child::chdir(new_root).map_err(Step::OpenRoot.failed())
}

/// `pivot_root(".", ".")`, `mount(NULL, "..", NULL, MS_REC | MS_SLAVE)`, `umount2(".", MNT_DETACH)`,
/// `chdir("/")` — makes the working directory the root of the mount namespace, and detaches the old root.
///
/// No unmount in the old tree propagates to the caller's namespace, even from shared mounts.
///
/// # Errors
/// - [`Step::PivotRoot`] with `EINVAL`: after [`bind_new_root`] and with private mounts one cause remains:
///   the current root is the initial ramfs, which cannot be pivoted away (use [`chroot_here`], or boot
///   from another root file system).
/// - [`Step::PivotRoot`] with `EBUSY`: the working directory is already the root.
/// - [`Step::PivotRoot`] with `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
/// - [`Step::DetachOldRoot`]: the old root is still mounted.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.4.11.
///
/// # References
/// pivot_root(2), "pivot_root(".", ".")"; fs/namespace.c.
pub fn pivot_root_here() -> Result<(), StepError> {
    child::pivot_root(c".", c".").map_err(Step::PivotRoot.failed())?;
    // The old root is now mounted on top of the new one; `..` of the root leads to it, `.` does not.
    let slave = MountPropagationFlags::DOWNSTREAM.union(MountPropagationFlags::REC);
    child::mount_change(c"..", slave).map_err(Step::DetachOldRoot.failed())?;
    // umount2 takes the topmost mount, by either path.
    child::umount2(c".", UnmountFlags::DETACH).map_err(Step::DetachOldRoot.failed())?;
    child::chdir(c"/").map_err(Step::DetachOldRoot.failed())
}

/// `chroot(".")`, `chdir("/")` — makes the working directory the root of the process.
///
/// This is no jail: a process with `CAP_SYS_CHROOT`, or with a descriptor of an outer directory, can leave
/// it.
///
/// # Errors
/// [`Step::Chroot`]:
/// - `EPERM`: no `CAP_SYS_CHROOT`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// chroot(2); fs/open.c.
pub fn chroot_here() -> Result<(), StepError> {
    child::chroot(c".").map_err(Step::Chroot.failed())?;
    child::chdir(c"/").map_err(Step::Chroot.failed())
}
