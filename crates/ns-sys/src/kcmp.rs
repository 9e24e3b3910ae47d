//! kcmp(2).
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::__NR_kcmp;

use crate::Result;
use crate::arch::syscall;

/// `KCMP_VM` of include/uapi/linux/kcmp.h.
const KCMP_VM: usize = 1;

/// `kcmp(first, second, KCMP_VM)` — whether two processes share their memory.
///
/// A process that has terminated shares its memory with no process.
///
/// Blocks while one of the processes is in execve(2) and has already switched to its new memory; only
/// `SIGKILL` interrupts the wait. On many kernels this includes the time in which execve closes the
/// close-on-exec descriptors, which a file system can delay without limit.
///
/// # Errors
/// - `EPERM`: the caller may not read one of the processes (`PTRACE_MODE_READ_REALCREDS`, ptrace(2)), or
///   a seccomp filter forbids the call.
/// - `ESRCH`: no process has that process ID.
/// - `ENOSYS`: the kernel was built without `CONFIG_KCMP`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 3.5.
///
/// # Examples
/// ```
/// let own = std::process::id();
/// // The call may be missing from the kernel or forbidden by a filter.
/// assert!(ns_sys::kcmp_vm(own, own).unwrap_or(true));
/// ```
///
/// # References
/// kcmp(2); kernel/kcmp.c `kcmp_lock`, fs/exec.c `begin_new_exec`.
pub fn kcmp_vm(first: u32, second: u32) -> Result<bool> {
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_kcmp, [first as usize, second as usize, KCMP_VM]) }
        .map(|order| order == 0)
}
