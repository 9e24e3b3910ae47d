//! Where the process stands in the file system.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;

use linux_raw_sys::general::{
    __NR_chdir, __NR_chroot, __NR_fchdir, __NR_mkdirat, __NR_symlinkat, __NR_umask,
};
use rustix::fd::BorrowedFd;
use rustix::fs::Mode;

use super::fd;
use crate::Result;
use crate::arch::syscall;

/// `chdir(path)` — changes the working directory.
///
/// # Errors
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// assert_eq!(ns_sys::child::chdir(c"/nowhere"), Err(ns_sys::Errno::NOENT));
/// ```
///
/// # References
/// chdir(2); fs/open.c.
pub fn chdir(path: &CStr) -> Result<()> {
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_chdir, [path.as_ptr().expose_provenance()]) }.map(drop)
}

/// `fchdir(fd)` — changes the working directory to an open one, inside the root or not.
///
/// # Errors
/// - `ENOTDIR`: not a directory.
/// - `EACCES`: it may not be searched.
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
/// let here = std::fs::File::open(".")?;
/// ns_sys::child::fchdir(here.as_fd())?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fchdir(2); fs/open.c.
pub fn fchdir(directory: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_fchdir, [fd(directory)]) }.map(drop)
}

/// `chroot(path)` — changes the root, and nothing else: the working directory stays where it is.
///
/// No jail: whoever has `CAP_SYS_CHROOT`, or a descriptor of an outer directory, walks out.
///
/// # Errors
/// - `EPERM`: no `CAP_SYS_CHROOT`.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// chroot(2); fs/open.c.
pub fn chroot(path: &CStr) -> Result<()> {
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_chroot, [path.as_ptr().expose_provenance()]) }.map(drop)
}

/// `mkdirat(dir, path, mode)` — makes a directory; `mode` is subject to the umask.
///
/// # Errors
/// - `EEXIST`: there is something of that name.
/// - `EOVERFLOW`: the caller's ids have no number in the user namespace that owns the file system.
/// - `EROFS`, `ENOSPC`, and those about the path.
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
/// let made = child::mkdirat(root.as_fd(), c"proc", Mode::from_bits_truncate(0o755));
/// assert_eq!(made, Err(Errno::EXIST));
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

/// `symlinkat(target, dir, path)` — makes a symbolic link at `path` that leads to `target`.
///
/// # Errors
/// - `EXIST`: there is something of that name.
/// - `OVERFLOW`: as [`mkdirat`].
/// - `ROFS`, `NOSPC`, and those about the path.
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
/// let made = ns_sys::child::symlinkat(c"elsewhere", root.as_fd(), c"proc");
/// assert_eq!(made, Err(Errno::EXIST));
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

/// `umask(mask)` — sets which permission bits new files lack; returns the former ones.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// use ns_sys::child::{Mode, umask};
///
/// let former = umask(Mode::from_bits_truncate(0o077));
/// assert_eq!(umask(former).bits(), 0o077);
/// ```
///
/// # References
/// umask(2); kernel/sys.c.
pub fn umask(mask: Mode) -> Mode {
    // SAFETY: takes a number only.
    let former = unsafe { syscall(__NR_umask, [mask.bits() as usize]) };
    // It always succeeds, and returns nine bits.
    Mode::from_bits_truncate(former.unwrap_or(0) as u32)
}
