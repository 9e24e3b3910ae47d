//! Directory entries: create directories, symbolic links and device files, change them, and read them.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;

use linux_raw_sys::general::{
    __NR_fchmodat, __NR_fchown, __NR_fchownat, __NR_getdents64, __NR_mkdirat, __NR_mknodat,
    __NR_readlinkat, __NR_symlinkat, __NR_unlinkat, AT_SYMLINK_NOFOLLOW,
};
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, Mode};

use super::fd;
use crate::Result;
use crate::arch::syscall;

/// `mkdirat(dir, path, mode)` — create a directory; the umask applies to `mode`.
///
/// # Errors
/// - `EEXIST`: the path already exists.
/// - `EOVERFLOW`: the caller's IDs have no mapping in the user namespace that owns the file system.
/// - `EROFS`, `ENOSPC`, and errors of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// use ns_sys::Errno;
/// use ns_sys::child::{self, Mode};
///
/// let root = std::fs::File::open("/")?;
/// let created = child::mkdirat(root.as_fd(), c"proc", Mode::from_bits_truncate(0o755));
/// assert_eq!(created, Err(Errno::EXIST));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// mkdirat(2); fs/namei.c.
pub fn mkdirat(dir: BorrowedFd<'_>, path: &CStr, mode: Mode) -> Result<()> {
    // SAFETY: the string outlives the call.
    unsafe {
        syscall(__NR_mkdirat, [fd(dir), path.as_ptr().expose_provenance(), mode.bits() as usize])
    }
    .map(drop)
}

/// `symlinkat(target, dir, path)` — create a symbolic link at `path` to `target`.
///
/// # Errors
/// As for [`mkdirat`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// use ns_sys::Errno;
///
/// let root = std::fs::File::open("/")?;
/// let created = ns_sys::child::symlinkat(c"elsewhere", root.as_fd(), c"proc");
/// assert_eq!(created, Err(Errno::EXIST));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// symlinkat(2); fs/namei.c.
pub fn symlinkat(target: &CStr, dir: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let arguments =
        [target.as_ptr().expose_provenance(), fd(dir), path.as_ptr().expose_provenance()];
    // SAFETY: the strings outlive the call.
    unsafe { syscall(__NR_symlinkat, arguments) }.map(drop)
}

/// `readlinkat(dir, path, buffer, size)` — write the target of a symbolic link into `buffer`, and return
/// the number of bytes written.
///
/// The target is truncated to the size of `buffer` and has no terminating NUL.
///
/// # Errors
/// - `EINVAL`: the file is not a symbolic link.
/// - `ENOENT`: no such file; or `path` is empty and `dir` is not a symbolic link.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16; an empty path 2.6.39.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// let proc = std::fs::File::open("/proc")?;
/// let mut buffer = [0; 16];
/// let length = ns_sys::child::readlinkat(proc.as_fd(), c"self", &mut buffer)?;
/// assert_eq!(&buffer[..length], std::process::id().to_string().as_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// readlinkat(2); fs/stat.c.
pub fn readlinkat(dir: BorrowedFd<'_>, path: &CStr, buffer: &mut [u8]) -> Result<usize> {
    let arguments = [
        fd(dir),
        path.as_ptr().expose_provenance(),
        buffer.as_mut_ptr().expose_provenance(),
        buffer.len(),
    ];
    // SAFETY: the string and the slice outlive the call.
    unsafe { syscall(__NR_readlinkat, arguments) }
}

/// `getdents64(dir, buffer, size)` — write the next entries of a directory into `buffer`, and return the
/// number of bytes written.
///
/// The entries are consecutive records of `struct linux_dirent64`. The result is 0 at the end of the
/// directory.
///
/// # Errors
/// - `EINVAL`: `buffer` is too small for the next entry.
/// - `ENOTDIR`: `dir` is not a directory.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.4.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// let root = std::fs::File::open("/")?;
/// let mut buffer = [0; 1024];
/// assert!(ns_sys::child::getdents64(root.as_fd(), &mut buffer)? > 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// getdents64(2); fs/readdir.c.
pub fn getdents64(dir: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    let arguments = [fd(dir), buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: the slice has the given length and outlives the call.
    unsafe { syscall(__NR_getdents64, arguments) }
}

/// `mknodat(dir, path, file_type | mode, device)` — create a device file, FIFO or empty file; the umask
/// applies to `mode`.
///
/// `device` is the major and minor number of a device.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_MKNOD` in the initial user namespace, or the file system has no devices.
/// - `EEXIST`: the path already exists.
/// - `EROFS`, `ENOSPC`, and errors of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # References
/// mknodat(2), makedev(3); fs/namei.c.
pub fn mknodat(
    dir: BorrowedFd<'_>,
    path: &CStr,
    file_type: FileType,
    mode: Mode,
    device: (u32, u32),
) -> Result<()> {
    let (major, minor) = (device.0 as usize, device.1 as usize);
    // The encoding of include/linux/kdev_t.h `new_decode_dev`.
    let number = minor & 0xff | (major & 0xfff) << 8 | (minor & 0xf_ff00) << 12;
    let mode = (file_type.as_raw_mode() | mode.bits()) as usize;
    let arguments = [fd(dir), path.as_ptr().expose_provenance(), mode, number];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_mknodat, arguments) }.map(drop)
}

/// `fchmodat(dir, path, mode)` — change the permissions of a file; a symbolic link at the end of `path` is
/// followed.
///
/// # Errors
/// - `EPERM`: the caller neither owns the file nor has `CAP_FOWNER` over it.
/// - `EROFS`, and errors of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # References
/// fchmodat(2); fs/open.c.
pub fn fchmodat(dir: BorrowedFd<'_>, path: &CStr, mode: Mode) -> Result<()> {
    let arguments = [fd(dir), path.as_ptr().expose_provenance(), mode.bits() as usize];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_fchmodat, arguments) }.map(drop)
}

/// `fchownat(dir, path, uid, gid, AT_SYMLINK_NOFOLLOW)` — change the owner and group of a file.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_CHOWN` over the file.
/// - `EINVAL`: an ID has no mapping in the user namespace.
/// - `EROFS`, and errors of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # References
/// fchownat(2); fs/open.c.
pub fn fchownat(dir: BorrowedFd<'_>, path: &CStr, uid: u32, gid: u32) -> Result<()> {
    let path = path.as_ptr().expose_provenance();
    let arguments = [fd(dir), path, uid as usize, gid as usize, AT_SYMLINK_NOFOLLOW as usize];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_fchownat, arguments) }.map(drop)
}

/// `fchown(file, uid, gid)` — change the owner and group of an open file; `u32::MAX` leaves one as it is.
///
/// # Errors
/// - As for [`fchownat`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// let root = std::fs::File::open("/")?;
/// ns_sys::child::fchown(root.as_fd(), u32::MAX, u32::MAX)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fchown(2); fs/open.c.
pub fn fchown(file: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<()> {
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_fchown, [fd(file), uid as usize, gid as usize]) }.map(drop)
}

/// `unlinkat(dir, path, 0)` — remove a name that is not that of a directory.
///
/// # Errors
/// - `EISDIR`: it is a directory.
/// - `EROFS`, and errors of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # References
/// unlinkat(2); fs/namei.c.
pub fn unlinkat(dir: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_unlinkat, [fd(dir), path.as_ptr().expose_provenance(), 0]) }.map(drop)
}
