//! User and group ids of this thread alone.
//!
//! libc's functions of these names change every thread that it knows of, which in shared memory are
//! the creator's.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{
    __NR_getegid, __NR_geteuid, __NR_setgroups, __NR_setresgid, __NR_setresuid,
};

use crate::Result;
use crate::arch::syscall;

/// `geteuid()` — the effective user id, from the kernel and not from a cache; one that has no mapping in the
/// user namespace is shown as that of /proc/sys/kernel/overflowuid.
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
/// assert_eq!(ns_sys::child::geteuid(), Ok(rustix::process::geteuid().as_raw()));
/// ```
///
/// # References
/// geteuid(2), user_namespaces(7); kernel/sys.c.
pub fn geteuid() -> Result<u32> {
    // SAFETY: takes nothing.
    let uid = unsafe { syscall(__NR_geteuid, []) }?;
    Ok(uid as u32)
}

/// `getegid()` — as [`geteuid`], the effective group id; the shown one is that of
/// /proc/sys/kernel/overflowgid.
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
/// assert_eq!(ns_sys::child::getegid(), Ok(rustix::process::getegid().as_raw()));
/// ```
///
/// # References
/// getegid(2), user_namespaces(7); kernel/sys.c.
pub fn getegid() -> Result<u32> {
    // SAFETY: takes nothing.
    let gid = unsafe { syscall(__NR_getegid, []) }?;
    Ok(gid as u32)
}

/// `setgroups(gids)` — sets the supplementary groups.
///
/// # Errors
/// - `EPERM`: no `CAP_SETGID`; in a user namespace, before its gid_map is written or when its setgroups
///   file says deny.
/// - `EINVAL`: more than 65536, or one has no mapping.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// setgroups(2), user_namespaces(7); kernel/groups.c.
pub fn setgroups(gids: &[u32]) -> Result<()> {
    // SAFETY: the slice outlives the call.
    unsafe { syscall(__NR_setgroups, [gids.len(), gids.as_ptr().expose_provenance()]) }.map(drop)
}

/// `setresgid(gid, gid, gid)` — sets the real, effective and saved group id, and that for files.
///
/// A new effective id of the kernel's makes the memory not dumpable, for all who share it.
///
/// # Errors
/// - `EPERM`: no `CAP_SETGID`, and not one of the three.
/// - `EINVAL`: it has no mapping in the user namespace.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.44.
///
/// # References
/// setresgid(2); kernel/sys.c, kernel/cred.c `commit_creds`.
pub fn setresgid(gid: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_setresgid, [gid as usize, gid as usize, gid as usize]) }.map(drop)
}

/// `setresuid(uid, uid, uid)` — sets the real, effective and saved user id, and that for files.
///
/// From 0 to another id the capabilities go; a new effective id of the kernel's makes the memory not
/// dumpable, for all who share it, and clears the parent-death signal.
///
/// # Errors
/// - `EPERM`: no `CAP_SETUID`, and not one of the three.
/// - `EINVAL`: it has no mapping in the user namespace.
/// - `EAGAIN`: `RLIMIT_NPROC` of that user, before Linux 3.1, which leaves it to execve.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.44.
///
/// # References
/// setresuid(2), capabilities(7); kernel/sys.c, kernel/cred.c `commit_creds`.
pub fn setresuid(uid: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_setresuid, [uid as usize, uid as usize, uid as usize]) }.map(drop)
}
