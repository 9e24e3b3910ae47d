//! Session, names and attributes of the process.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{
    __NR_getpid, __NR_getppid, __NR_ioctl, __NR_ppoll, __NR_prctl, __NR_setdomainname,
    __NR_sethostname, __NR_setpgid, __NR_setsid, __NR_socket,
};
use rustix::fd::{AsRawFd, BorrowedFd, RawFd};

use super::fd;
use crate::arch::syscall;
use crate::{Errno, Result};

/// `getpid()` — the id of the process in its own pid namespace, from the kernel and not from a cache.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// assert_eq!(ns_sys::child::getpid(), std::process::id());
/// ```
///
/// # References
/// getpid(2); kernel/sys.c.
pub fn getpid() -> u32 {
    // SAFETY: takes nothing, and cannot fail.
    let pid = unsafe { syscall(__NR_getpid, []) };
    pid.unwrap_or(0) as u32
}

/// `getppid()` — the id of the parent in this process's pid namespace; 0 where the parent is not in it.
///
/// # Errors
/// - `ENOSYS`, `EPERM`: a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// assert_eq!(ns_sys::child::getppid(), Ok(std::os::unix::process::parent_id()));
/// ```
///
/// # References
/// getpid(2), pid_namespaces(7); kernel/sys.c.
pub fn getppid() -> Result<u32> {
    // SAFETY: takes nothing.
    let pid = unsafe { syscall(__NR_getppid, []) }?;
    Ok(pid as u32)
}

/// `setsid()` — begins a session and a process group, without a controlling terminal; returns its id.
///
/// # Errors
/// - `EPERM`: the caller leads a process group.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// setsid(2), credentials(7); kernel/sys.c.
pub fn setsid() -> Result<u32> {
    // SAFETY: takes nothing.
    let session = unsafe { syscall(__NR_setsid, []) }?;
    Ok(session as u32)
}

/// `setpgid(pid, group)` — moves a process into a process group; 0 is the caller, or its own group.
///
/// # Errors
/// - `EPERM`: it leads a session, or the group belongs to another one.
/// - `EACCES`: a child that has executed a program.
/// - `ESRCH`: neither the caller nor its child.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// setpgid(2), credentials(7); kernel/sys.c.
pub fn setpgid(pid: u32, group: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_setpgid, [pid as usize, group as usize]) }.map(drop)
}

/// `sethostname(name)` — names the UTS namespace of the caller.
///
/// # Errors
/// - `EPERM`: no `CAP_SYS_ADMIN` over the UTS namespace.
/// - `EINVAL`: longer than 64 bytes.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// sethostname(2), uts_namespaces(7); kernel/sys.c.
pub fn sethostname(name: &[u8]) -> Result<()> {
    // SAFETY: the slice outlives the call.
    unsafe { syscall(__NR_sethostname, [name.as_ptr().expose_provenance(), name.len()]) }.map(drop)
}

/// `setdomainname(name)` — sets the NIS domain name of the UTS namespace of the caller.
///
/// # Errors
/// - `EPERM`: no `CAP_SYS_ADMIN` over the UTS namespace.
/// - `EINVAL`: longer than 64 bytes.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// setdomainname(2), uts_namespaces(7); kernel/sys.c.
pub fn setdomainname(name: &[u8]) -> Result<()> {
    // SAFETY: the slice outlives the call.
    unsafe { syscall(__NR_setdomainname, [name.as_ptr().expose_provenance(), name.len()]) }
        .map(drop)
}

/// `prctl(option, …)` — an attribute of the thread or the process, by option number.
///
/// # Errors
/// - Those of the option.
///
/// # Safety
/// The arguments are right for the option, pointers among them valid; the option takes no memory or
/// descriptor from its owner.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.57; options as prctl(2) says.
///
/// # References
/// prctl(2); kernel/sys.c.
pub unsafe fn prctl(option: u32, arguments: [usize; 4]) -> Result<usize> {
    let [second, third, fourth, fifth] = arguments;
    // SAFETY: the caller vouches for the arguments.
    unsafe { syscall(__NR_prctl, [option as usize, second, third, fourth, fifth]) }
}

/// `socket(domain, kind, protocol)` — makes a socket; the descriptor is the caller's to close.
///
/// # Errors
/// - `EAFNOSUPPORT`, `PROTONOSUPPORT`: the kernel has no such sockets.
/// - `EMFILE`: `RLIMIT_NOFILE`.
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
    // SAFETY: takes numbers only.
    let returned = unsafe { syscall(__NR_socket, arguments) }?;
    Ok(returned as RawFd)
}

/// `ioctl(fd, operation, argument)` — an operation of a device, socket or file system.
///
/// # Errors
/// - `ENOTTY`: the file has no such operation.
/// - Those of the operation.
///
/// # Safety
/// The argument is right for the operation, and if it is a pointer, valid.
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
    // SAFETY: the caller vouches for the argument.
    unsafe { syscall(__NR_ioctl, [fd(file), operation as usize, argument]) }
}

/// `struct pollfd`.
#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}

// The same on every architecture.
const POLLIN: i16 = 0x01;
const POLLHUP: i16 = 0x10;
const POLLNVAL: i16 = 0x20;

/// `ppoll(fd, POLLIN, 0)` — whether the descriptor is readable now; a pidfd is once its process or
/// thread has ended.
///
/// # Errors
/// - `EBADF`: it is not open.
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
    let at_once = [0_i64; 2];
    let arguments =
        [(&raw mut polled).expose_provenance(), 1, (&raw const at_once).expose_provenance(), 0, 0];
    // SAFETY: one pollfd and a timespec of two words, which both outlive the call.
    unsafe { syscall(__NR_ppoll, arguments) }?;
    if polled.revents & POLLNVAL != 0 {
        return Err(Errno::BADF);
    }
    Ok(polled.revents & (POLLIN | POLLHUP) != 0)
}
