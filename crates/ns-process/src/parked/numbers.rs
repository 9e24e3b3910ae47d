//! Numbers of the kernel's headers that the calls of a gate use: include/uapi/linux/fcntl.h,
//! prctl.h and socket.h, and include/uapi/asm-generic/fcntl.h, poll.h and socket.h.

pub(super) const AT_FDCWD: i32 = -100;
pub(super) const AT_EACCESS: u64 = 0x200;
pub(super) const AT_EMPTY_PATH: u64 = 0x1000;
pub(super) const AT_EXECVE_CHECK: u64 = 0x10000;
pub(super) const X_OK: u64 = 1;
pub(super) const F_SETFD: u64 = 2;
pub(super) const F_DUPFD_CLOEXEC: u64 = 1030;
pub(super) const FD_CLOEXEC: u64 = 1;
/// `O_CLOEXEC` and `SOCK_CLOEXEC`.
pub(super) const CLOEXEC: u64 = 0o2_000_000;
pub(super) const O_WRONLY: u64 = 1;
pub(super) const O_PATH: u64 = libc::O_PATH.unsigned_abs() as u64;
/// Differs between processors.
pub(super) const O_DIRECTORY: u64 = libc::O_DIRECTORY.unsigned_abs() as u64;
/// include/uapi/linux/magic.h.
pub(super) const PROC_SUPER_MAGIC: u64 = 0x9fa0;
pub(super) const MSG_WAITALL: u64 = 0x100;
pub(super) const MSG_NOSIGNAL: u64 = 0x4000;
pub(super) const POLLIN: u64 = 1;
pub(super) const PR_SET_NAME: u64 = 15;
pub(super) const SHUT_RDWR: u64 = 2;
pub(super) const SOL_SOCKET: u64 = 1;
pub(super) const SO_RCVTIMEO: u64 = 20;
