//! Process IDs, session, process group, and the attributes of prctl(2).
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_getpid, __NR_getppid, __NR_prctl, __NR_setpgid, __NR_setsid};

use crate::Result;
use crate::arch::syscall;

/// `getpid()` — the process ID in the process's own pid namespace; it is not cached.
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
    // SAFETY: the call takes no argument.
    let pid = unsafe { syscall(__NR_getpid, []) };
    // It cannot fail.
    pid.unwrap_or(0) as u32
}

/// `getppid()` — the process ID of the parent; 0 if the parent is outside the caller's pid namespace.
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
    // SAFETY: the call takes no argument.
    let pid = unsafe { syscall(__NR_getppid, []) }?;
    Ok(pid as u32)
}

/// `setsid()` — create a session and a process group without a controlling terminal, and return the
/// session ID.
///
/// # Errors
/// - `EPERM`: the caller is a process group leader.
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
    // SAFETY: the call takes no argument.
    let session = unsafe { syscall(__NR_setsid, []) }?;
    Ok(session as u32)
}

/// `setpgid(pid, group)` — move a process into a process group.
///
/// If `pid` is 0, the process is the caller. If `group` is 0, the group ID is the process's own ID.
///
/// # Errors
/// - `EPERM`: the process is a session leader, or the group belongs to another session.
/// - `EACCES`: the process is a child that has executed a program.
/// - `ESRCH`: the process is neither the caller nor a child of the caller.
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
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_setpgid, [pid as usize, group as usize]) }.map(drop)
}

/// `prctl(option, …)` — get or set an attribute of the thread or the process.
///
/// # Errors
/// - The errors of the option.
///
/// # Safety
/// The arguments must be what the option expects, and pointers must be valid. The option must not take
/// memory or a descriptor from its owner.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.57; see prctl(2) for each option.
///
/// # References
/// prctl(2); kernel/sys.c.
pub unsafe fn prctl(option: u32, arguments: [usize; 4]) -> Result<usize> {
    let [second, third, fourth, fifth] = arguments;
    // SAFETY: the caller guarantees that the arguments are valid for the option.
    unsafe { syscall(__NR_prctl, [option as usize, second, third, fourth, fifth]) }
}
