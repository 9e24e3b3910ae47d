//! Opening, placing and closing descriptors, by number: an owner would close through the runtime.
#![allow(unsafe_code, reason = "system calls, on descriptors that no owner keeps")]

use core::ffi::CStr;
use core::mem::size_of;

use linux_raw_sys::general::{
    __NR_close, __NR_close_range, __NR_dup3, __NR_fcntl, __NR_openat, __NR_openat2, __NR_write,
    F_DUPFD_CLOEXEC, F_SETFD, FD_CLOEXEC,
};
use rustix::fd::{BorrowedFd, RawFd};
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::fd;
use crate::Result;
use crate::arch::syscall;

/// `openat(dir, path, flags, mode)` — opens a file; the descriptor is the caller's to close.
///
/// # Errors
/// - Those of open(2) about the path.
/// - `EMFILE`: `RLIMIT_NOFILE`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # Examples
/// ```
/// use std::os::fd::{AsFd, FromRawFd, OwnedFd};
///
/// use ns_sys::child::{self, Mode, OFlags};
///
/// let proc = std::fs::File::open("/proc")?;
/// let flags = OFlags::RDONLY | OFlags::CLOEXEC;
/// let fd = child::openat(proc.as_fd(), c"version", flags, Mode::empty())?;
/// // SAFETY: it has just been opened, and nobody owns it.
/// drop(unsafe { OwnedFd::from_raw_fd(fd) });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// openat(2); fs/open.c.
pub fn openat(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<RawFd> {
    let arguments =
        [fd(dir), path.as_ptr().expose_provenance(), flags.bits() as usize, mode.bits() as usize];
    // SAFETY: the string outlives the call.
    unsafe { syscall(__NR_openat, arguments) }.map(raw_fd)
}

/// `openat2(dir, path, {flags, mode, resolve})` — opens a file, with limits on where its path leads; the
/// descriptor is the caller's to close.
///
/// # Errors
/// - As [`openat`].
/// - `EXDEV`, `ELOOP`: the path leads where `resolve` forbids.
/// - `EAGAIN`: a rename or mount raced with `..` under `IN_ROOT` or `BENEATH`; try again.
/// - `ENOSYS`: before Linux 5.6, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.6.
///
/// # Examples
/// ```
/// use std::os::fd::AsFd;
///
/// use ns_sys::Errno;
/// use ns_sys::child::{self, Mode, OFlags, ResolveFlags};
///
/// let proc = std::fs::File::open("/proc")?;
/// let (mode, how) = (Mode::empty(), ResolveFlags::BENEATH);
/// let opened = child::openat2(proc.as_fd(), c"../etc", OFlags::PATH, mode, how);
/// assert!(matches!(opened, Err(Errno::XDEV | Errno::NOSYS)));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// openat2(2); fs/open.c, fs/namei.c.
pub fn openat2(
    dir: BorrowedFd<'_>,
    path: &CStr,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> Result<RawFd> {
    let how =
        OpenHow { flags: flags.bits().into(), mode: mode.bits().into(), resolve: resolve.bits() };
    let arguments = [
        fd(dir),
        path.as_ptr().expose_provenance(),
        (&raw const how).expose_provenance(),
        size_of::<OpenHow>(),
    ];
    // SAFETY: the string and the struct outlive the call.
    unsafe { syscall(__NR_openat2, arguments) }.map(raw_fd)
}

/// `write(fd, bytes)` — writes once; returns how many bytes were taken.
///
/// # Errors
/// - Those of write(2); `EINTR` is not retried.
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
/// let null = std::fs::File::create("/dev/null")?;
/// assert_eq!(ns_sys::child::write(null.as_fd(), b"bytes")?, 5);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// write(2); fs/read_write.c.
pub fn write(file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    let arguments = [fd(file), bytes.as_ptr().expose_provenance(), bytes.len()];
    // SAFETY: the slice outlives the call.
    unsafe { syscall(__NR_write, arguments) }
}

/// `dup3(old, new, flags)` — makes `new` refer to the file of `old`, closing what `new` was.
///
/// # Errors
/// - `EINVAL`: they are equal; [`fcntl_setfd`] does what is then wished.
/// - `EBADF`: `new` is negative or not below `RLIMIT_NOFILE`.
/// - `EBUSY`: another thread is opening that number; try again.
///
/// # Safety
/// Nobody owns `new`, and nobody in a process that shares the table uses it.
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
    // SAFETY: the caller vouches for `new`.
    unsafe { syscall(__NR_dup3, [fd(old), new as usize, flags.bits() as usize]) }.map(drop)
}

/// `fcntl(fd, F_DUPFD_CLOEXEC, lowest)` — duplicates to the first free number from `lowest` on,
/// close-on-exec; the descriptor is the caller's to close.
///
/// # Errors
/// - `EMFILE`: no free number below `RLIMIT_NOFILE`.
/// - `EINVAL`: `lowest` is not below it.
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
/// // SAFETY: it has just been made, and nobody owns it.
/// drop(unsafe { OwnedFd::from_raw_fd(fd) });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// fcntl(2); fs/fcntl.c.
pub fn fcntl_dupfd_cloexec(file: BorrowedFd<'_>, lowest: RawFd) -> Result<RawFd> {
    let arguments = [fd(file), F_DUPFD_CLOEXEC as usize, lowest as usize];
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_fcntl, arguments) }.map(raw_fd)
}

/// `fcntl(fd, F_SETFD, …)` — says whether the descriptor survives an exec.
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
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_fcntl, [fd(file), F_SETFD as usize, flags as usize]) }.map(drop)
}

/// `close(fd)` — closes a descriptor.
///
/// # Errors
/// - `EBADF`: not open.
/// - Others tell of writes that failed earlier; the descriptor is closed all the same.
///
/// # Safety
/// Nobody owns it, and nobody in a process that shares the table uses it.
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
    // SAFETY: the caller vouches for the descriptor.
    unsafe { syscall(__NR_close, [file as usize]) }.map(drop)
}

/// `close_range(first, last, flags)` — closes every descriptor from `first` to `last`, or marks them
/// close-on-exec.
///
/// Reaches those above a lowered `RLIMIT_NOFILE` too.
///
/// # Errors
/// - `EINVAL`: `first` is above `last`, or an unknown flag.
/// - `EMFILE`, `ENOMEM`: with `UNSHARE`, of `/proc/sys/fs/nr_open` and memory.
/// - `ENOSYS`: before Linux 5.9, or a seccomp filter hides the call.
///
/// # Safety
/// Nobody uses an owned descriptor of that range afterwards; without `UNSHARE`, also nobody in a
/// process that shares the table.
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
    // SAFETY: the caller vouches for the descriptors.
    unsafe { syscall(__NR_close_range, [first as usize, last as usize, flags.bits() as usize]) }
        .map(drop)
}

bitflags::bitflags! {
    /// How [`close_range`] closes.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct CloseRangeFlags: u32 {
        /// First take a copy of the table, so that nobody else loses a descriptor.
        const UNSHARE = 1 << 1;
        /// Do not close, but mark as close-on-exec.
        const CLOEXEC = 1 << 2;
    }
}

/// `struct open_how` of include/uapi/linux/openat2.h.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

fn raw_fd(returned: usize) -> RawFd {
    returned as RawFd
}
