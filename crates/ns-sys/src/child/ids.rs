//! User and group IDs of the calling thread.
//!
//! libc's setresuid, setresgid and setgroups change every thread that libc knows. In a child that shares the
//! parent's memory, these would be the parent's threads.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{
    __NR_getegid, __NR_geteuid, __NR_setgroups, __NR_setresgid, __NR_setresuid,
};

use crate::Result;
use crate::arch::syscall;

/// `geteuid()` — the effective user ID; it is not cached.
///
/// An ID without a mapping in the user namespace is reported as the overflow ID
/// (`/proc/sys/kernel/overflowuid`).
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
    // SAFETY: the call takes no argument.
    let uid = unsafe { syscall(__NR_geteuid, []) }?;
    Ok(uid as u32)
}

/// `getegid()` — the effective group ID; it is not cached.
///
/// An ID without a mapping in the user namespace is reported as the overflow ID
/// (`/proc/sys/kernel/overflowgid`).
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
    // SAFETY: the call takes no argument.
    let gid = unsafe { syscall(__NR_getegid, []) }?;
    Ok(gid as u32)
}

/// `setgroups(gids)` — set the supplementary group IDs.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SETGID`; or in a user namespace, its gid_map has not been written or
///   its `/proc/PID/setgroups` contains `deny`.
/// - `EINVAL`: `gids` has more than 65536 IDs, or one of them has no mapping.
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

/// `setresgid(gid, gid, gid)` — set the real, effective, saved and filesystem group ID.
///
/// If the effective ID changes, as an ID of the initial user namespace, the kernel clears the
/// parent-death signal. It also resets the "dumpable" attribute of the memory to
/// `/proc/sys/fs/suid_dumpable`, usually 0, for every process that shares the memory.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SETGID`, and `gid` is not its real, effective or saved ID.
/// - `EINVAL`: `gid` has no mapping in the user namespace.
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
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_setresgid, [gid as usize, gid as usize, gid as usize]) }.map(drop)
}

/// `setresuid(uid, uid, uid)` — set the real, effective, saved and filesystem user ID.
///
/// A change from 0 to another ID drops the capabilities (capabilities(7)). A change of the effective ID
/// has the same effects as in [`setresgid`].
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SETUID`, and `uid` is not its real, effective or saved ID.
/// - `EINVAL`: `uid` has no mapping in the user namespace.
/// - `EAGAIN`: `RLIMIT_NPROC` of that user is exceeded; only before Linux 3.1, later execve(2) fails.
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
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_setresuid, [uid as usize, uid as usize, uid as usize]) }.map(drop)
}
