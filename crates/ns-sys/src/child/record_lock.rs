//! Record locks: a process holds them on a file until it closes the file or terminates.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_fcntl, F_GETLK, F_SETLK, F_UNLCK, F_WRLCK, flock as Flock};
use rustix::fd::BorrowedFd;

use super::fd;
use crate::arch::syscall;
use crate::{Errno, Result};

/// `SEEK_SET` of include/uapi/linux/fs.h.
const SEEK_SET: i16 = 0;

/// `fcntl(fd, F_SETLK, {F_WRLCK, SEEK_SET, byte, 1})` — lock one byte of a file for this process, without
/// blocking.
///
/// The lock belongs to the descriptor table of the process. A forked child does not inherit it. The
/// kernel releases the lock when the process closes any descriptor of the file, which includes an execve(2)
/// that closes a close-on-exec descriptor, and when the process terminates. A terminating process has
/// released its memory before it releases the lock. Whether execve releases the old memory before or
/// after it closes descriptors depends on the kernel (after, in Linux 6.12.118);
/// [`kcmp_vm`](crate::kcmp_vm) reports whether the memory is still shared.
///
/// # Errors
/// - `EAGAIN`, `EACCES`: another process has locked the byte.
/// - `EBADF`: the file is not open for writing.
/// - `EINVAL`: `byte` is above `i64::MAX`.
/// - `ENOLCK`: the kernel has no memory for the lock.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// fcntl_locking(2); fs/locks.c `posix_lock_inode`, fs/exec.c `begin_new_exec`.
pub fn fcntl_setlk(file: BorrowedFd<'_>, byte: u64) -> Result<()> {
    let lock = record(byte)?;
    // SAFETY: the kernel reads the struct, which outlives the call.
    unsafe {
        syscall(__NR_fcntl, [fd(file), F_SETLK as usize, (&raw const lock).expose_provenance()])
    }
    .map(drop)
}

/// `fcntl(fd, F_GETLK, {F_WRLCK, SEEK_SET, byte, 1})` — whether another process has locked one byte of a
/// file.
///
/// The process's own locks do not count.
///
/// # Errors
/// - `EINVAL`: `byte` is above `i64::MAX`.
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
/// use ns_sys::child::{fcntl_getlk, fcntl_setlk};
///
/// let path = std::env::temp_dir().join(format!("ns-sys-lock-{}", std::process::id()));
/// let file = std::fs::File::create_new(&path)?;
/// fcntl_setlk(file.as_fd(), 7)?;
/// // The lock of the process itself does not count.
/// assert!(!fcntl_getlk(file.as_fd(), 7)?);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fcntl_locking(2); fs/locks.c `posix_test_lock`.
pub fn fcntl_getlk(file: BorrowedFd<'_>, byte: u64) -> Result<bool> {
    let mut lock = record(byte)?;
    let argument = (&raw mut lock).expose_provenance();
    // SAFETY: the kernel reads and writes the struct, which outlives the call.
    unsafe { syscall(__NR_fcntl, [fd(file), F_GETLK as usize, argument]) }?;
    Ok(lock.l_type != F_UNLCK as i16)
}

/// A write lock on one byte.
fn record(byte: u64) -> Result<Flock> {
    let l_start = i64::try_from(byte).map_err(|_| Errno::INVAL)?;
    Ok(Flock { l_type: F_WRLCK as i16, l_whence: SEEK_SET, l_start, l_len: 1, l_pid: 0 })
}
