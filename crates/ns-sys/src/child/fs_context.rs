//! New file systems by descriptor: fsopen, fsconfig, fsmount.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;

use linux_raw_sys::general::{
    __NR_fsconfig, __NR_fsmount, __NR_fsopen, __NR_fspick, fsconfig_command,
};
use rustix::fd::{AsRawFd, BorrowedFd, RawFd};
use rustix::mount::{FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags};

use super::{fd, raw_fd};
use crate::Result;
use crate::arch::syscall;

/// `fsopen(fs_type, flags)` — begin a new file system, without a mount; the caller must close the
/// descriptor.
///
/// # Errors
/// - `ENODEV`: the kernel does not have this type of file system.
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
/// - `ENOSYS`: before Linux 5.2, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fsopen(2); fs/fsopen.c.
pub fn fsopen(fs_type: &CStr, flags: FsOpenFlags) -> Result<RawFd> {
    let arguments = [fs_type.as_ptr().expose_provenance(), flags.bits() as usize];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_fsopen, arguments) }.map(raw_fd)
}

/// `fspick(dir, path, flags)` — begin to change the options of a mounted file system; the caller must close
/// the descriptor.
///
/// # Errors
/// - `EINVAL`: the path is not a mount point.
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace.
/// - `ENOSYS`: before Linux 5.2, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fspick(2); fs/fsopen.c.
pub fn fspick(dir: BorrowedFd<'_>, path: &CStr, flags: FsPickFlags) -> Result<RawFd> {
    let arguments = [fd(dir), path.as_ptr().expose_provenance(), flags.bits() as usize];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_fspick, arguments) }.map(raw_fd)
}

/// `fsconfig(context, FSCONFIG_SET_STRING, key, value, 0)` — set an option of a new file system.
///
/// # Errors
/// - `EINVAL`: the file system does not have the option, or does not accept the value.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: the value is a path that cannot be resolved.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fsconfig(2); fs/fsopen.c, fs/fs_parser.c.
pub fn fsconfig_set_string(context: BorrowedFd<'_>, key: &CStr, value: &CStr) -> Result<()> {
    fsconfig(context, fsconfig_command::FSCONFIG_SET_STRING, Some(key), Some(value), 0)
}

/// `fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0)` — set an option that has no value.
///
/// # Errors
/// - `EINVAL`: the file system does not have the option, or the option needs a value.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fsconfig(2); fs/fsopen.c.
pub fn fsconfig_set_flag(context: BorrowedFd<'_>, key: &CStr) -> Result<()> {
    fsconfig(context, fsconfig_command::FSCONFIG_SET_FLAG, Some(key), None, 0)
}

/// `fsconfig(context, FSCONFIG_SET_FD, key, NULL, file)` — set an option to an open file.
///
/// # Errors
/// - `EINVAL`: the file system does not have the option, or it takes no file.
/// - `EBADF`: `file` was opened with `O_PATH`, before Linux 6.15.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2; for the layers of overlayfs 6.13.
///
/// # References
/// fsconfig(2); fs/fsopen.c, fs/overlayfs/params.c.
pub fn fsconfig_set_fd(context: BorrowedFd<'_>, key: &CStr, file: BorrowedFd<'_>) -> Result<()> {
    let (set, number) = (fsconfig_command::FSCONFIG_SET_FD, file.as_raw_fd());
    fsconfig(context, set, Some(key), None, number as usize)
}

/// `fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)` — create the file system with its options.
///
/// # Errors
/// - The errors of the file system, as for [`mount`](super::mount()).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fsconfig(2); fs/fsopen.c.
pub fn fsconfig_create(context: BorrowedFd<'_>) -> Result<()> {
    fsconfig(context, fsconfig_command::FSCONFIG_CMD_CREATE, None, None, 0)
}

/// `fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0)` — change the options of a mounted file
/// system; those that were not set stay.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the user namespace of the file system.
/// - The errors of the file system, as for [`mount`](super::mount()).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fsconfig(2); fs/fsopen.c.
pub fn fsconfig_reconfigure(context: BorrowedFd<'_>) -> Result<()> {
    fsconfig(context, fsconfig_command::FSCONFIG_CMD_RECONFIGURE, None, None, 0)
}

fn fsconfig(
    context: BorrowedFd<'_>,
    command: fsconfig_command,
    key: Option<&CStr>,
    value: Option<&CStr>,
    number: usize,
) -> Result<()> {
    let address = |text: Option<&CStr>| text.map_or(0, |text| text.as_ptr().expose_provenance());
    let arguments = [fd(context), command as usize, address(key), address(value), number];
    // SAFETY: the strings outlive the call.
    unsafe { syscall(__NR_fsconfig, arguments) }.map(drop)
}

/// `fsmount(context, flags, attributes)` — make a detached mount of a created file system; the caller
/// must close the descriptor; this destroys a mount that was not attached.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the mount namespace; or the file system is proc or
///   sysfs, and a user namespace would see more of it than its own mounts show.
/// - `ENOSYS`: before Linux 5.2, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// fsmount(2), move_mount(2); fs/namespace.c.
pub fn fsmount(
    context: BorrowedFd<'_>,
    flags: FsMountFlags,
    attributes: MountAttrFlags,
) -> Result<RawFd> {
    let arguments = [fd(context), flags.bits() as usize, attributes.bits() as usize];
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_fsmount, arguments) }.map(raw_fd)
}
