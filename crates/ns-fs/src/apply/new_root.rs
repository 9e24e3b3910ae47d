//! Going to the new root, and making it the root.

use core::ffi::CStr;

use ns_sys::child::{self, MountFlags, MountPropagationFlags, UnmountFlags};

use crate::{Step, StepError};

/// `mount(new_root, new_root, NULL, MS_BIND | MS_REC, NULL)`, `chdir(new_root)` — binds a directory onto
/// itself, so that it is a mount as pivot_root(2) wants it, and goes there.
///
/// The present root, by the path `/`, can be bound as well, and then be made read-only, say.
///
/// Whole trees are bound, because a user namespace may not take a mount away from what it covers.
/// Call [`propagation`](crate::apply::propagation) first: below a shared mount the bind would show
/// in the caller's namespace, and pivot_root(2) refuse it.
///
/// # Errors
/// [`Step::OpenRoot`]:
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: of the path.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
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
    let flags = MountFlags::BIND.union(MountFlags::REC);
    child::mount(Some(new_root), new_root, None, flags, None).map_err(failed(Step::OpenRoot))?;
    // Of the present root: its own path leads below what was just bound on it, `..` of it on top.
    enter_new_root(if new_root == c"/" { c"/.." } else { new_root })
}

/// `chdir(new_root)` — goes to a directory that is to become the root.
///
/// # Errors
/// [`Step::OpenRoot`]:
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: of the path.
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
    child::chdir(new_root).map_err(failed(Step::OpenRoot))
}

/// `pivot_root(".", ".")`, `mount(NULL, "..", NULL, MS_REC | MS_SLAVE)`, `umount2(".", MNT_DETACH)`,
/// `chdir("/")` — makes the working directory the root of the mount namespace, and lets go of the old one.
///
/// Whatever is shared in the old tree, no unmount of it travels to the caller's.
///
/// # Errors
/// - [`Step::PivotRoot`] with `EINVAL`: after [`bind_new_root`] and with private mounts two causes are
///   left: the present root is the initial ramfs, which cannot be left (use [`chroot_here`], or boot
///   from something else); or the path was a symbolic link to the present root.
/// - [`Step::PivotRoot`] with `EBUSY`: the working directory is the root already.
/// - [`Step::PivotRoot`] with `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
/// - [`Step::DetachOldRoot`]: the old root is still there, below the new one.
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
    child::pivot_root(c".", c".").map_err(failed(Step::PivotRoot))?;
    // The old root lies on top of the new one: `..` of a root leads to what lies on it, `.` does not.
    let slave = MountPropagationFlags::DOWNSTREAM.union(MountPropagationFlags::REC);
    child::mount_change(c"..", slave).map_err(failed(Step::DetachOldRoot))?;
    // umount2 finds the topmost mount by either.
    child::umount2(c".", UnmountFlags::DETACH).map_err(failed(Step::DetachOldRoot))?;
    child::chdir(c"/").map_err(failed(Step::DetachOldRoot))
}

/// `chroot(".")`, `chdir("/")` — makes the working directory the root of the process.
///
/// No jail: whoever has `CAP_SYS_CHROOT` inside, or a descriptor of an outer directory, walks out.
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
    child::chroot(c".").map_err(failed(Step::Chroot))?;
    child::chdir(c"/").map_err(failed(Step::Chroot))
}

fn failed(step: Step) -> impl Fn(ns_sys::Errno) -> StepError {
    move |errno| StepError { step, errno }
}
