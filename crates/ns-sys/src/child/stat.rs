//! The file system, the identity and the permissions of an open file.
#![allow(unsafe_code, reason = "system calls that write into memory")]

use core::mem::MaybeUninit;

use linux_raw_sys::general::{
    __NR_fstatfs, __NR_statx, AT_EMPTY_PATH, STATX_GID, STATX_INO, STATX_MNT_ID, STATX_MODE,
    STATX_TYPE, STATX_UID, statfs, statx as Statx,
};
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, Mode};

use super::fd;
use crate::Result;
use crate::arch::syscall;

/// The result of [`fstatfs`]: two fields of `struct statfs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileSystem {
    /// `f_type`: the type, a magic number of include/uapi/linux/magic.h.
    pub magic: u64,
    /// `f_flags`: the `ST_*` flags of the mount.
    pub flags: u64,
}

/// `fstatfs(fd)` — get the type of the file system of an open file, and the flags of its mount.
///
/// # Errors
/// None that a caller can act on.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0; for an `O_PATH` descriptor 3.12.
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
    let mut stat = MaybeUninit::<statfs>::uninit();
    // SAFETY: the struct has the kernel's layout and outlives the call.
    unsafe { syscall(__NR_fstatfs, [fd(file), stat.as_mut_ptr().expose_provenance()]) }?;
    // SAFETY: the kernel has written the whole struct.
    let stat = unsafe { stat.assume_init() };
    Ok(FileSystem { magic: stat.f_type as u64, flags: stat.f_flags as u64 })
}

/// The result of [`file_id`]: the identity and type of a file, and the mount through which it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// `stx_dev_major` and `stx_dev_minor`.
    pub device: (u32, u32),
    /// `stx_ino`.
    pub inode: u64,
    /// `stx_mnt_id`; `None` before Linux 5.8.
    pub mount: Option<u64>,
    /// The type in `stx_mode`.
    pub file_type: FileType,
    /// `stx_rdev_major` and `stx_rdev_minor`: the device that a device file stands for.
    pub rdev: (u32, u32),
}

/// `statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE | STATX_MNT_ID, …)` — get the identity and type of
/// an open file, and the mount through which it was opened.
///
/// # Errors
/// - `ENOSYS`: before Linux 4.11, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.11; [`FileId::mount`] 5.8.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// use ns_sys::child::file_id;
///
/// let (one, same) = (std::fs::File::open("/")?, std::fs::File::open("/.")?);
/// assert_eq!(file_id(one.as_fd())?, file_id(same.as_fd())?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// statx(2); fs/stat.c.
pub fn file_id(file: BorrowedFd<'_>) -> Result<FileId> {
    let stat = statx(file, STATX_INO | STATX_TYPE | STATX_MNT_ID)?;
    Ok(FileId {
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
        mount: (stat.stx_mask & STATX_MNT_ID != 0).then_some(stat.stx_mnt_id),
        file_type: FileType::from_raw_mode(stat.stx_mode.into()),
        rdev: (stat.stx_rdev_major, stat.stx_rdev_minor),
    })
}

/// The result of [`permissions`]: the mode and the owner of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// The permissions in `stx_mode`, with the set-user-ID, set-group-ID and sticky bits.
    pub mode: Mode,
    /// `stx_uid`; 65534 if the caller's user namespace has no mapping for it.
    pub uid: u32,
    /// `stx_gid`; 65534 if the caller's user namespace has no mapping for it.
    pub gid: u32,
}

/// `statx(fd, "", AT_EMPTY_PATH, STATX_MODE | STATX_UID | STATX_GID, …)` — get the mode and the owner of an
/// open file.
///
/// # Errors
/// - `ENOSYS`: before Linux 4.11, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.11.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// use ns_sys::child::{Mode, permissions};
///
/// let null = std::fs::File::open("/dev/null")?;
/// assert!(permissions(null.as_fd())?.mode.contains(Mode::RUSR | Mode::WUSR));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// statx(2), inode(7); fs/stat.c.
pub fn permissions(file: BorrowedFd<'_>) -> Result<Permissions> {
    let stat = statx(file, STATX_MODE | STATX_UID | STATX_GID)?;
    let mode = Mode::from_raw_mode(stat.stx_mode.into());
    Ok(Permissions { mode, uid: stat.stx_uid, gid: stat.stx_gid })
}

fn statx(file: BorrowedFd<'_>, mask: u32) -> Result<Statx> {
    let mut stat = MaybeUninit::<Statx>::uninit();
    let arguments = [
        fd(file),
        c"".as_ptr().expose_provenance(),
        AT_EMPTY_PATH as usize,
        mask as usize,
        stat.as_mut_ptr().expose_provenance(),
    ];
    // SAFETY: the path is a C string and the struct has the kernel's layout; both outlive the call.
    unsafe { syscall(__NR_statx, arguments) }?;
    // SAFETY: the kernel has written the whole struct.
    Ok(unsafe { stat.assume_init() })
}
