//! Root, working directory and umask: the filesystem information that `CLONE_FS` shares.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;

use linux_raw_sys::general::{__NR_chdir, __NR_chroot, __NR_fchdir, __NR_getcwd, __NR_umask};
use rustix::fd::BorrowedFd;
use rustix::fs::Mode;

use super::fd;
use crate::arch::syscall;
use crate::{Errno, Result};

/// `chdir(path)` — change the working directory.
///
/// # Errors
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: errors of the path.
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

/// `fchdir(fd)` — change the working directory to an open directory, inside or outside the root.
///
/// # Errors
/// - `ENOTDIR`: the file is not a directory.
/// - `EACCES`: the caller may not search the directory.
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
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_fchdir, [fd(directory)]) }.map(drop)
}

/// `getcwd(buffer, size)` — write the path of the working directory into `buffer`.
///
/// The path begins with `(unreachable)` instead of `/` if the directory is outside the root.
///
/// # Errors
/// - `ENOENT`: the directory was removed.
/// - `ERANGE`: the path does not fit into `buffer`.
/// - `ENAMETOOLONG`: the path is longer than 4096 bytes.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.92; `(unreachable)` 2.6.36.
///
/// # Examples
/// ```
/// let mut buffer = [0; 4096];
/// let path = ns_sys::child::getcwd(&mut buffer)?;
/// assert!(path.to_bytes().starts_with(b"/"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// getcwd(2); fs/d_path.c.
pub fn getcwd(buffer: &mut [u8]) -> Result<&CStr> {
    let arguments = [buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: the slice has the given length and outlives the call.
    unsafe { syscall(__NR_getcwd, arguments) }?;
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::RANGE)
}

/// `chroot(path)` — change the root directory, and not the working directory.
///
/// This does not confine a process that has `CAP_SYS_CHROOT` or a descriptor of a directory outside the
/// new root: such a process can leave it.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_CHROOT`.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: errors of the path.
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

/// `umask(mask)` — set the permission bits that new files lack, and return the previous ones.
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
/// let previous = umask(Mode::from_bits_truncate(0o077));
/// assert_eq!(umask(previous).bits(), 0o077);
/// ```
///
/// # References
/// umask(2); kernel/sys.c.
pub fn umask(mask: Mode) -> Mode {
    // SAFETY: the call takes a number only.
    let previous = unsafe { syscall(__NR_umask, [mask.bits() as usize]) };
    // The kernel always succeeds, and returns nine bits.
    Mode::from_bits_truncate(previous.unwrap_or(0) as u32)
}
