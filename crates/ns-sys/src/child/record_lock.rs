//! Record locks: what a process holds on a file until it closes it, executes a program or ends.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_fcntl, F_GETLK, F_SETLK, F_UNLCK, F_WRLCK, flock as Flock};
use rustix::fd::BorrowedFd;

use super::fd;
use crate::arch::syscall;
use crate::{Errno, Result};

/// `SEEK_SET` of include/uapi/linux/fs.h.
const SEEK_SET: i16 = 0;

/// `fcntl(fd, F_SETLK, {F_WRLCK, SEEK_SET, byte, 1})` — locks one byte of a file for this process, without
/// waiting.
///
/// The lock belongs to the process's table of descriptors. A fork does not inherit it. It ends when the
/// process closes any descriptor of that file, by an exec too if the descriptor is close-on-exec, and when
/// the process ends. At its end the process has left its memory by then. Exec takes the former memory before it
/// closes descriptors, or after, as in Linux 6.12.118: [`kcmp_vm`](crate::kcmp_vm) tells.
///
/// # Errors
/// - `EAGAIN`, `EACCES`: another process has locked the byte.
/// - `EBADF`: not open for writing.
/// - `EINVAL`: `byte` is above `i64::MAX`.
/// - `ENOLCK`: the kernel has no memory for it.
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
/// // A process does not meet its own locks.
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

/// A write lock of one byte.
fn record(byte: u64) -> Result<Flock> {
    let l_start = i64::try_from(byte).map_err(|_| Errno::INVAL)?;
    Ok(Flock { l_type: F_WRLCK as i16, l_whence: SEEK_SET, l_start, l_len: 1, l_pid: 0 })
}
