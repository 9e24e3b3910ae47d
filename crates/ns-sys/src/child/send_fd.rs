//! Send a descriptor over a socket.
#![allow(unsafe_code, reason = "a system call with nested structs")]

use core::mem::size_of;
use core::ptr;

use linux_raw_sys::general::__NR_sendmsg;
use rustix::fd::{AsRawFd, BorrowedFd};

use super::fd;
use crate::Result;
use crate::arch::syscall;

// From include/linux/socket.h and include/uapi/asm-generic/socket.h.
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;
const MSG_NOSIGNAL: usize = 0x4000;

/// `struct iovec`.
#[repr(C)]
struct Part {
    base: *const u8,
    length: usize,
}

/// `struct cmsghdr` with one descriptor. Its length does not count the padding.
#[repr(C)]
struct Control {
    length: usize,
    level: i32,
    kind: i32,
    file: i32,
}

/// The length of a `struct cmsghdr` and a descriptor.
const CONTROL_LENGTH: usize = size_of::<usize>() + 3 * size_of::<i32>();

/// `struct user_msghdr`.
#[repr(C)]
struct Message {
    name: *const u8,
    name_length: i32,
    parts: *const Part,
    part_count: usize,
    control: *const Control,
    control_length: usize,
    flags: u32,
}

/// `sendmsg(socket, {bytes, SCM_RIGHTS file}, MSG_NOSIGNAL)` — send bytes with a descriptor over a unix socket,
/// and return the number of bytes sent.
///
/// On a stream socket the descriptor needs at least one byte. Blocks as sendmsg(2) does, for example while
/// the queue of the peer is full.
///
/// # Errors
/// - `EPIPE`, `ECONNREFUSED`, `ECONNRESET`: no peer receives it.
/// - `ENOTCONN`: the socket is not connected.
/// - `EAGAIN`: the socket is nonblocking, and the queue is full.
/// - `ENOTSOCK`: `socket` is no socket.
/// - `EINVAL`: the socket is no unix socket.
/// - `ETOOMANYREFS`: too many descriptors of the user are in sockets.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.2.
///
/// # Examples
/// ```
/// use std::io::Read;
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
///
/// let (own, mut peer) = UnixStream::pair()?;
/// let null = std::fs::File::open("/dev/null")?;
/// assert_eq!(ns_sys::child::send_fd(own.as_fd(), b"null", null.as_fd())?, 4);
/// let mut text = [0; 4];
/// peer.read_exact(&mut text)?;
/// assert_eq!(&text, b"null");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// sendmsg(2), unix(7) "SCM_RIGHTS"; net/core/scm.c.
pub fn send_fd(socket: BorrowedFd<'_>, bytes: &[u8], file: BorrowedFd<'_>) -> Result<usize> {
    let part = Part { base: bytes.as_ptr(), length: bytes.len() };
    let control = Control {
        length: CONTROL_LENGTH,
        level: SOL_SOCKET,
        kind: SCM_RIGHTS,
        file: file.as_raw_fd(),
    };
    // The kernel reads through these pointers.
    let _ = part.base.expose_provenance();
    let _ = (&raw const part).expose_provenance();
    let _ = (&raw const control).expose_provenance();
    let message = Message {
        name: ptr::null(),
        name_length: 0,
        parts: &raw const part,
        part_count: 1,
        control: &raw const control,
        control_length: size_of::<Control>(),
        flags: 0,
    };
    let arguments = [fd(socket), (&raw const message).expose_provenance(), MSG_NOSIGNAL];
    // SAFETY: the structs have the kernel's layout, and everything that they point to outlives the call.
    unsafe { syscall(__NR_sendmsg, arguments) }
}
