//! What is where: directories, links and file systems, read into the caller's own memory.
#![allow(unsafe_code, reason = "system calls that write into memory")]

use core::ffi::CStr;
use core::mem::MaybeUninit;

use linux_raw_sys::general::{
    __NR_fstatfs, __NR_getcwd, __NR_getdents64, __NR_readlinkat, __NR_statx, AT_EMPTY_PATH,
    STATX_INO, STATX_MNT_ID, statfs, statx as Statx,
};
use rustix::fd::BorrowedFd;

use super::fd;
use crate::arch::syscall;
use crate::{Errno, Result};

/// `getcwd(buffer, size)` — writes the path of the working directory.
///
/// It begins with `(unreachable)` instead of `/` where the directory lies outside the root.
///
/// # Errors
/// - `NOENT`: the directory was removed.
/// - `RANGE`: the path does not fit.
/// - `NAMETOOLONG`: it is longer than 4096 bytes.
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
    // SAFETY: the slice is of the length told, and outlives the call.
    unsafe { syscall(__NR_getcwd, arguments) }?;
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::RANGE)
}

/// `readlinkat(dir, path, buffer, size)` — writes where a symbolic link leads, cut to the size, without
/// a final NUL; returns how many bytes were written.
///
/// # Errors
/// - `INVAL`: not a symbolic link.
/// - `NOENT`: not a symbolic link, for an empty path; or no such file.
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

/// `getdents64(dir, buffer, size)` — writes the next entries of a directory, as `struct linux_dirent64`
/// one after the other; returns how many bytes were written, 0 at the end.
///
/// # Errors
/// - `INVAL`: not even one entry fits.
/// - `NOTDIR`: not a directory.
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
    // SAFETY: the slice is of the length told, and outlives the call.
    unsafe { syscall(__NR_getdents64, arguments) }
}

/// Of `struct statfs`, what a child asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileSystem {
    /// `f_type`: a magic number of include/uapi/linux/magic.h.
    pub magic: u64,
    /// `f_flags`: the `ST_*` flags of the mount.
    pub flags: u64,
}

/// `fstatfs(fd)` — tells the file system of an open file, and the flags of its mount.
///
/// # Errors
/// None that a caller can act on.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0; of an `O_PATH` descriptor 3.12.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// let proc = std::fs::File::open("/proc")?;
/// assert_eq!(ns_sys::child::fstatfs(proc.as_fd())?.magic, 0x9fa0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fstatfs(2); fs/statfs.c.
pub fn fstatfs(file: BorrowedFd<'_>) -> Result<FileSystem> {
    let mut told = MaybeUninit::<statfs>::uninit();
    // SAFETY: the struct is the kernel's, and outlives the call.
    unsafe { syscall(__NR_fstatfs, [fd(file), told.as_mut_ptr().expose_provenance()]) }?;
    // SAFETY: the kernel wrote it whole.
    let told = unsafe { told.assume_init() };
    Ok(FileSystem { magic: told.f_type as u64, flags: told.f_flags as u64 })
}

/// Which file, seen through which mount: of `struct statx` what tells two places apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// `stx_dev_major` and `stx_dev_minor`.
    pub device: (u32, u32),
    /// `stx_ino`.
    pub inode: u64,
    /// `stx_mnt_id`; `None` before Linux 5.8.
    pub mount: Option<u64>,
}

/// `statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, …)` — tells which file is open, and through
/// which mount.
///
/// # Errors
/// `ENOSYS`: before Linux 4.11, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.11; the mount 5.8.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// use ns_sys::child::place;
///
/// let (one, same) = (std::fs::File::open("/")?, std::fs::File::open("/.")?);
/// assert_eq!(place(one.as_fd())?, place(same.as_fd())?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// statx(2); fs/stat.c.
pub fn place(file: BorrowedFd<'_>) -> Result<Place> {
    let mut told = MaybeUninit::<Statx>::uninit();
    let arguments = [
        fd(file),
        c"".as_ptr().expose_provenance(),
        AT_EMPTY_PATH as usize,
        (STATX_INO | STATX_MNT_ID) as usize,
        told.as_mut_ptr().expose_provenance(),
    ];
    // SAFETY: the path is a C string and the struct the kernel's; both outlive the call.
    unsafe { syscall(__NR_statx, arguments) }?;
    // SAFETY: the kernel wrote it whole.
    let told = unsafe { told.assume_init() };
    Ok(Place {
        device: (told.stx_dev_major, told.stx_dev_minor),
        inode: told.stx_ino,
        mount: (told.stx_mask & STATX_MNT_ID != 0).then_some(told.stx_mnt_id),
    })
}
