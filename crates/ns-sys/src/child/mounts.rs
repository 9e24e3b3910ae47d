//! Mounts, and the root of the mount namespace.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;
use core::mem::size_of;
use core::ptr;

use linux_raw_sys::general::{
    __NR_mount, __NR_mount_setattr, __NR_move_mount, __NR_open_tree, __NR_pivot_root, __NR_umount2,
};
use rustix::fd::{BorrowedFd, RawFd};
use rustix::fs::AtFlags;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use super::{fd, raw_fd};
use crate::Result;
use crate::arch::syscall;

/// `mount(source, target, kind, flags, data)` — mount a file system, bind an existing tree, or change a mount.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace; a user namespace may not mount
///   the file system; the call would clear locked mount flags; or the file system is proc and the caller
///   lacks `CAP_SYS_ADMIN` over the caller's pid namespace.
/// - `EBUSY`, `EINVAL`, `ENOTBLK`: the file system or the mounts do not allow it; `ENODEV`: the kernel does not have
///   this type of file system.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: `source` or `target` cannot be resolved.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// mount(2), mount_namespaces(7); fs/namespace.c.
pub fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: MountFlags,
    data: Option<&CStr>,
) -> Result<()> {
    let arguments = [
        address(source),
        address(Some(target)),
        address(kind),
        flags.bits() as usize,
        address(data),
    ];
    // SAFETY: the strings outlive the call.
    unsafe { syscall(__NR_mount, arguments) }.map(drop)
}

/// `mount(NULL, target, NULL, propagation)` — change the propagation type of the mount at `target`.
///
/// # Errors
/// - `EINVAL`: `target` is not a mount point.
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.15.
///
/// # References
/// mount(2), mount_namespaces(7); fs/namespace.c `do_change_type`.
pub fn mount_change(target: &CStr, propagation: MountPropagationFlags) -> Result<()> {
    let arguments = [0, address(Some(target)), 0, propagation.bits() as usize, 0];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_mount, arguments) }.map(drop)
}

/// `umount2(target, flags)` — unmount the topmost mount at `target`.
///
/// # Errors
/// - `EBUSY`: the mount is in use and `flags` do not contain `DETACH`.
/// - `EINVAL`: `target` is not a mount point, or the mount is locked (mount_namespaces(7)).
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.116; `DETACH` 2.4.11.
///
/// # References
/// umount2(2); fs/namespace.c.
pub fn umount2(target: &CStr, flags: UnmountFlags) -> Result<()> {
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_umount2, [address(Some(target)), flags.bits() as usize]) }.map(drop)
}

/// `pivot_root(new_root, put_old)` — make `new_root` the root of the mount namespace, and move the old
/// root to `put_old`.
///
/// Both arguments may be `.`: then the old root is stacked on the new root until it is unmounted.
///
/// # Errors
/// - `EINVAL`: `new_root` is not a mount point; its parent mount, the parent mount of the current root or
///   the mount of `put_old` is shared; `put_old` is not at or below `new_root`; or the current root is
///   the initial ramfs.
/// - `EBUSY`: `new_root` or `put_old` is on the current root mount.
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.3.41.
///
/// # References
/// pivot_root(2); fs/namespace.c.
pub fn pivot_root(new_root: &CStr, put_old: &CStr) -> Result<()> {
    // SAFETY: the strings outlive the call.
    unsafe { syscall(__NR_pivot_root, [address(Some(new_root)), address(Some(put_old))]) }.map(drop)
}

/// `open_tree(dir, path, flags)` — open a mount, or with `OPEN_TREE_CLONE` a detached copy of it; the
/// caller must close the descriptor.
///
/// # Errors
/// - `EPERM`: `OPEN_TREE_CLONE`, and the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: `OPEN_TREE_CLONE` for an unbindable mount, or without `AT_RECURSIVE` for a mount with locked
///   mounts below it.
/// - `ENOSYS`: before Linux 5.2, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// open_tree(2); fs/namespace.c.
pub fn open_tree(dir: BorrowedFd<'_>, path: &CStr, flags: OpenTreeFlags) -> Result<RawFd> {
    let arguments = [fd(dir), address(Some(path)), flags.bits() as usize];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_open_tree, arguments) }.map(raw_fd)
}

/// `move_mount(from_dir, from_path, to_dir, to_path, flags)` — move a mount, or attach a detached one.
///
/// # Errors
/// - `EINVAL`: the parent mount is shared, or the mount belongs to another mount namespace.
/// - `ELOOP`: the target is below the mount itself.
/// - `ENOSYS`: before Linux 5.2, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// move_mount(2); fs/namespace.c.
pub fn move_mount(
    from_dir: BorrowedFd<'_>,
    from_path: &CStr,
    to_dir: BorrowedFd<'_>,
    to_path: &CStr,
    flags: MoveMountFlags,
) -> Result<()> {
    let arguments = [
        fd(from_dir),
        address(Some(from_path)),
        fd(to_dir),
        address(Some(to_path)),
        flags.bits() as usize,
    ];
    // SAFETY: the strings outlive the call.
    unsafe { syscall(__NR_move_mount, arguments) }.map(drop)
}

/// `mount_setattr(dir, path, flags, attr)` — change attributes of a mount, or with `AT_RECURSIVE` of the
/// tree of mounts below it.
///
/// Attributes that `attr` does not name stay unchanged.
///
/// # Errors
/// - `EPERM`: an attribute is locked, or the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: the path is not a mount point, or the attributes exclude each other.
/// - `EBUSY`: the mount cannot become read-only while a file on it is open for writing.
/// - `EINVAL`, with `MOUNT_ATTR_IDMAP`: the mount is attached or already ID-mapped, or the file system does
///   not support ID-mapped mounts. `EPERM`: the user namespace is the initial one, or the caller lacks
///   `CAP_SYS_ADMIN` over the user namespace of the file system.
/// - `ENOSYS`: before Linux 5.12, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.12.
///
/// # References
/// mount_setattr(2); fs/namespace.c.
pub fn mount_setattr(
    dir: BorrowedFd<'_>,
    path: &CStr,
    flags: AtFlags,
    attr: &MountAttr<'_>,
) -> Result<()> {
    let MountAttr { attr_set, attr_clr, propagation, userns_fd } = *attr;
    let userns_fd = userns_fd.map_or(0, |userns| fd(userns) as u64);
    let raw = RawMountAttr { attr_set, attr_clr, propagation, userns_fd };
    let arguments = [
        fd(dir),
        address(Some(path)),
        flags.bits() as usize,
        ptr::from_ref(&raw).expose_provenance(),
        size_of::<RawMountAttr>(),
    ];
    // SAFETY: the string and the struct outlive the call.
    unsafe { syscall(__NR_mount_setattr, arguments) }.map(drop)
}

/// The changes of [`mount_setattr`]: `MOUNT_ATTR_*` bits and the propagation type.
///
/// # References
/// mount_setattr(2); include/uapi/linux/mount.h.
#[derive(Clone, Copy, Debug, Default)]
pub struct MountAttr<'a> {
    /// Attributes to set.
    pub attr_set: u64,
    /// Attributes to clear before the others are set.
    pub attr_clr: u64,
    /// `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED` or `MS_UNBINDABLE`; 0 leaves the propagation type unchanged.
    pub propagation: u64,
    /// The user namespace whose maps apply to the mount, for `MOUNT_ATTR_IDMAP`.
    pub userns_fd: Option<BorrowedFd<'a>>,
}

/// `struct mount_attr` of include/uapi/linux/mount.h.
#[repr(C)]
struct RawMountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

fn address(text: Option<&CStr>) -> usize {
    text.map_or(0, |text| text.as_ptr().expose_provenance())
}
