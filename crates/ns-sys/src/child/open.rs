//! Open files and sockets. The functions return a plain descriptor number, which the caller closes.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;
use core::mem::size_of;

use linux_raw_sys::general::{__NR_openat, __NR_openat2, __NR_socket};
use rustix::fd::{BorrowedFd, RawFd};
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::{fd, raw_fd};
use crate::Result;
use crate::arch::syscall;

/// `openat(dir, path, flags, mode)` — open a file; the caller must close the descriptor.
///
/// Blocks as open(2) does, for example on a FIFO.
///
/// # Errors
/// - The errors of open(2) for the path.
/// - `EMFILE`: no descriptor below `RLIMIT_NOFILE` is free.
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
/// // SAFETY: it has just been opened and has no other owner.
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

/// `openat2(dir, path, {flags, mode, resolve})` — open a file with restrictions on how its path is
/// resolved; the caller must close the descriptor.
///
/// Blocks as open(2) does, for example on a FIFO.
///
/// # Errors
/// - As for [`openat`].
/// - `EXDEV`, `ELOOP`: the path resolution violates `resolve`.
/// - `EAGAIN`: with `IN_ROOT` or `BENEATH`, a concurrent rename or mount made the resolution of `..`
///   unsafe; try again.
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

/// `struct open_how` of include/uapi/linux/openat2.h.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// `socket(domain, kind, protocol)` — create a socket; the caller must close the descriptor.
///
/// # Errors
/// - `EAFNOSUPPORT`, `EPROTONOSUPPORT`: the kernel does not support such sockets.
/// - `EMFILE`: no descriptor below `RLIMIT_NOFILE` is free.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// socket(2); net/socket.c.
pub fn socket(domain: u32, kind: u32, protocol: u32) -> Result<RawFd> {
    let arguments = [domain as usize, kind as usize, protocol as usize];
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_socket, arguments) }.map(raw_fd)
}
