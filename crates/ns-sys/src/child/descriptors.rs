//! Duplicate, mark and close descriptors, by number: dropping an owned descriptor may use libc.
#![allow(unsafe_code, reason = "system calls on descriptors without an owner")]

use linux_raw_sys::general::{
    __NR_close, __NR_close_range, __NR_dup3, __NR_fcntl, F_DUPFD_CLOEXEC, F_SETFD, FD_CLOEXEC,
};
use rustix::fd::{BorrowedFd, RawFd};
use rustix::fs::OFlags;

use super::{fd, raw_fd};
use crate::Result;
use crate::arch::syscall;

/// `dup3(old, new, flags)` — duplicate `old` to the descriptor number `new`, closing `new` first if it
/// is open.
///
/// # Errors
/// - `EINVAL`: `old` and `new` are equal; use [`fcntl_setfd`] to change the flag.
/// - `EBADF`: `new` is negative or not below `RLIMIT_NOFILE`.
/// - `EBUSY`: a concurrent open or dup is allocating `new`; try again.
///
/// # Safety
/// `new` must have no owner and must not be in use, in any thread or process that shares the descriptor
/// table.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.27.
///
/// # References
/// dup3(2); fs/file.c.
pub unsafe fn dup3(old: BorrowedFd<'_>, new: RawFd, close_on_exec: bool) -> Result<()> {
    let flags = if close_on_exec { OFlags::CLOEXEC } else { OFlags::empty() };
    // SAFETY: the caller guarantees that `new` has no owner and no user.
    unsafe { syscall(__NR_dup3, [fd(old), new as usize, flags.bits() as usize]) }.map(drop)
}

/// `fcntl(fd, F_DUPFD_CLOEXEC, lowest)` — duplicate to the lowest free descriptor number that is not
/// below `lowest`, close-on-exec; the caller must close the descriptor.
///
/// # Errors
/// - `EMFILE`: no descriptor from `lowest` to `RLIMIT_NOFILE` is free.
/// - `EINVAL`: `lowest` is negative or not below `RLIMIT_NOFILE`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.24.
///
/// # Examples
/// ```
/// use std::os::fd::{AsFd, FromRawFd, OwnedFd};
///
/// let null = std::fs::File::open("/dev/null")?;
/// let fd = ns_sys::child::fcntl_dupfd_cloexec(null.as_fd(), 100)?;
/// assert!(fd >= 100);
/// // SAFETY: it has just been created and has no other owner.
/// drop(unsafe { OwnedFd::from_raw_fd(fd) });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fcntl(2); fs/fcntl.c.
pub fn fcntl_dupfd_cloexec(file: BorrowedFd<'_>, lowest: RawFd) -> Result<RawFd> {
    let arguments = [fd(file), F_DUPFD_CLOEXEC as usize, lowest as usize];
    // SAFETY: the call takes numbers only, and closes nothing.
    unsafe { syscall(__NR_fcntl, arguments) }.map(raw_fd)
}

/// `fcntl(fd, F_SETFD, …)` — set or clear the close-on-exec flag of a descriptor.
///
/// # Errors
/// None that a caller can act on.
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
/// let null = std::fs::File::open("/dev/null")?;
/// ns_sys::child::fcntl_setfd(null.as_fd(), false)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fcntl(2); fs/fcntl.c.
pub fn fcntl_setfd(file: BorrowedFd<'_>, close_on_exec: bool) -> Result<()> {
    let flags = if close_on_exec { FD_CLOEXEC } else { 0 };
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_fcntl, [fd(file), F_SETFD as usize, flags as usize]) }.map(drop)
}

/// `close(fd)` — close a descriptor.
///
/// # Errors
/// - `EBADF`: the descriptor is not open.
/// - Any other error reports an earlier write that failed; the descriptor is closed nevertheless.
///
/// # Safety
/// The descriptor must have no owner and must not be in use, in any thread or process that shares the
/// descriptor table.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// close(2); fs/open.c.
pub unsafe fn close(file: RawFd) -> Result<()> {
    // SAFETY: the caller guarantees that the descriptor has no owner and no user.
    unsafe { syscall(__NR_close, [file as usize]) }.map(drop)
}

/// `close_range(first, last, flags)` — close every descriptor from `first` to `last`, or set their
/// close-on-exec flags.
///
/// The range may include descriptors above a lowered `RLIMIT_NOFILE`.
///
/// # Errors
/// - `EINVAL`: `first` is above `last`, or a flag is unknown.
/// - `EMFILE`, `ENOMEM`: with `UNSHARE`, `/proc/sys/fs/nr_open` or the memory is too low for the copy.
/// - `ENOSYS`: before Linux 5.9, or a seccomp filter hides the call.
///
/// # Safety
/// No owned descriptor in the range may be used afterwards: with `UNSHARE` in this thread, without it in
/// any thread or process that shares the descriptor table.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.9; `CLOEXEC` 5.11.
///
/// # References
/// close_range(2); fs/file.c.
pub unsafe fn close_range(first: u32, last: u32, flags: CloseRangeFlags) -> Result<()> {
    // SAFETY: the caller guarantees that no owner uses a descriptor of the range afterwards.
    unsafe { syscall(__NR_close_range, [first as usize, last as usize, flags.bits() as usize]) }
        .map(drop)
}

bitflags::bitflags! {
    /// The flags of [`close_range`].
    ///
    /// # References
    /// close_range(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct CloseRangeFlags: u32 {
        /// Copy the descriptor table first, so that other threads and processes keep their descriptors.
        const UNSHARE = 1 << 1;
        /// Set the close-on-exec flags instead of closing.
        const CLOEXEC = 1 << 2;
    }
}
