//! Read from an open file, write to it, control it, and poll it.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_ioctl, __NR_ppoll, __NR_read, __NR_write};
use rustix::fd::{AsRawFd, BorrowedFd};

use super::fd;
use crate::arch::syscall;
use crate::{Errno, Result};

/// `read(fd, buffer)` — read once, and return the number of bytes read; 0 at the end of the file.
///
/// Blocks as read(2) does, for example on an empty pipe.
///
/// # Errors
/// - The errors of read(2); `EINTR` is not retried.
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
/// let zero = std::fs::File::open("/dev/zero")?;
/// let mut buffer = [1; 4];
/// assert_eq!(ns_sys::child::read(zero.as_fd(), &mut buffer)?, 4);
/// assert_eq!(buffer, [0; 4]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// read(2); fs/read_write.c.
pub fn read(file: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    let arguments = [fd(file), buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: the kernel writes at most the length of the slice, which outlives the call.
    unsafe { syscall(__NR_read, arguments) }
}

/// `write(fd, bytes)` — write once, and return the number of bytes written.
///
/// Blocks as write(2) does, for example on a full pipe.
///
/// # Errors
/// - The errors of write(2); `EINTR` is not retried.
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

/// `ioctl(fd, operation, argument)` — perform an operation of a device, socket or file system.
///
/// # Errors
/// - `ENOTTY`: the file does not support the operation.
/// - The errors of the operation.
///
/// # Safety
/// The argument must be what the operation expects. If it is a pointer, it must be valid.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// ioctl(2); fs/ioctl.c.
pub unsafe fn ioctl(file: BorrowedFd<'_>, operation: u32, argument: usize) -> Result<usize> {
    // SAFETY: the caller guarantees that the argument is valid for the operation.
    unsafe { syscall(__NR_ioctl, [fd(file), operation as usize, argument]) }
}

/// `struct pollfd`.
#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}

// These have the same values on every architecture.
const POLLIN: i16 = 0x01;
const POLLHUP: i16 = 0x10;
const POLLNVAL: i16 = 0x20;

/// `ppoll(fd, POLLIN, 0)` — whether the descriptor is readable now.
///
/// A pidfd is readable once its process or thread has terminated.
///
/// # Errors
/// - `EBADF`: the descriptor is not open.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # Examples
/// ```
/// use std::io::Write;
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
///
/// use ns_sys::child::is_readable;
///
/// let (reader, mut writer) = UnixStream::pair()?;
/// assert!(!is_readable(reader.as_fd())?);
/// writer.write_all(b"x")?;
/// assert!(is_readable(reader.as_fd())?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// ppoll(2), pidfd_open(2); fs/select.c.
pub fn is_readable(file: BorrowedFd<'_>) -> Result<bool> {
    let mut polled = PollFd { fd: file.as_raw_fd(), events: POLLIN, revents: 0 };
    let timeout = [0_i64; 2];
    let arguments =
        [(&raw mut polled).expose_provenance(), 1, (&raw const timeout).expose_provenance(), 0, 0];
    // SAFETY: the call takes one pollfd and a timespec of two words, which both outlive it.
    unsafe { syscall(__NR_ppoll, arguments) }?;
    if polled.revents & POLLNVAL != 0 {
        return Err(Errno::BADF);
    }
    Ok(polled.revents & (POLLIN | POLLHUP) != 0)
}
