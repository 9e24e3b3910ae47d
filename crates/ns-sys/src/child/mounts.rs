//! Mounts, and the root they hang below.
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

use super::fd;
use crate::Result;
use crate::arch::syscall;

/// `mount(source, target, kind, flags, data)` — mounts a new file system, or binds an existing tree.
///
/// # Errors
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace; a file system that a user namespace may not
///   mount; flags of a locked mount dropped; a proc whose pid namespace is not the caller's own.
/// - `EBUSY`, `EINVAL`, `ENODEV`, `ENOTBLK`: of the file system.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: of the paths.
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

/// `mount(NULL, target, NULL, propagation)` — changes how mounts and unmounts below `target` travel.
///
/// # Errors
/// - `EINVAL`: `target` is not a mount point.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
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

/// `umount2(target, flags)` — removes the topmost mount there.
///
/// # Errors
/// - `EBUSY`: in use, and not `DETACH`.
/// - `EINVAL`: not a mount point, or one that a less privileged namespace inherited.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
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

/// `pivot_root(new_root, put_old)` — makes `new_root` the root of the mount namespace and hangs the old one
/// below `put_old`.
///
/// Both may be `.`: then the old root lies on top of the new one until it is unmounted.
///
/// # Errors
/// - `EINVAL`: `new_root` is not a mount point; its parent, the root's parent or the mount of `put_old` is
///   shared; `put_old` is not below it; or the root is the initial ramfs.
/// - `EBUSY`: one of them is on the current root mount.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
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

/// `open_tree(dir, path, flags)` — opens a mount, or with `OPEN_TREE_CLONE` a copy that hangs nowhere; the
/// descriptor is the caller's to close.
///
/// # Errors
/// - `EPERM`: a copy, without `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: a copy of an unbindable mount, or of one with locked mounts below without
///   `AT_RECURSIVE`.
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
    let returned = unsafe { syscall(__NR_open_tree, arguments) }?;
    Ok(returned as RawFd)
}

/// `move_mount(from_dir, from_path, to_dir, to_path, flags)` — hangs a mount somewhere else.
///
/// # Errors
/// - `EINVAL`: its parent is shared, or it belongs to another mount namespace.
/// - `ELOOP`: the target lies below the mount itself.
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

/// `mount_setattr(dir, path, flags, attr)` — changes the attributes of a mount, or with `AT_RECURSIVE` of the
/// tree below it, leaving those it does not name.
///
/// # Errors
/// - `EPERM`: an attribute is locked, or no `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: not a mount point, or attributes that exclude each other.
/// - `EBUSY`: read-only, while somebody writes.
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
    attr: &MountAttr,
) -> Result<()> {
    let MountAttr { attr_set, attr_clr, propagation } = *attr;
    let raw = RawMountAttr { attr_set, attr_clr, propagation, userns_fd: 0 };
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

/// What `mount_setattr` changes: `MOUNT_ATTR_*` bits of include/uapi/linux/mount.h, and propagation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MountAttr {
    /// Attributes to set.
    pub attr_set: u64,
    /// Attributes to clear, before the others are set.
    pub attr_clr: u64,
    /// `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED` or `MS_UNBINDABLE`; 0 leaves the propagation.
    pub propagation: u64,
}

/// `struct mount_attr` of include/uapi/linux/mount.h.
#[repr(C)]
struct RawMountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    /// For idmapped mounts, which this crate does not make.
    userns_fd: u64,
}

fn address(text: Option<&CStr>) -> usize {
    text.map_or(0, |text| text.as_ptr().expose_provenance())
}
