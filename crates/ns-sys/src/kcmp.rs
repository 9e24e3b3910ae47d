//! kcmp(2).
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::__NR_kcmp;

use crate::Result;
use crate::arch::syscall;

/// `KCMP_VM` of include/uapi/linux/kcmp.h.
const KCMP_VM: usize = 1;

/// `kcmp(first, second, KCMP_VM)` — whether two processes share their memory.
///
/// A process that has ended shares none.
///
/// Waits, and cannot be interrupted but by `SIGKILL`, while either process is in execve(2) and has taken the new
/// memory. On many kernels that includes closing its close-on-exec descriptors, which may take a file system any
/// time.
///
/// # Errors
/// - `EPERM`: the caller may not read one of them as ptrace(2) says (`PTRACE_MODE_READ_REALCREDS`), or a seccomp
///   filter forbids the call.
/// - `ESRCH`: no process has that id.
/// - `ENOSYS`: a kernel without `CONFIG_KCMP`.
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
/// // A kernel or a filter may lack it.
/// assert!(ns_sys::kcmp_vm(own, own).unwrap_or(true));
/// ```
///
/// # References
/// kcmp(2); kernel/kcmp.c `kcmp_lock`, fs/exec.c `begin_new_exec`.
pub fn kcmp_vm(first: u32, second: u32) -> Result<bool> {
    // SAFETY: numbers only.
    unsafe { syscall(__NR_kcmp, [first as usize, second as usize, KCMP_VM]) }
        .map(|order| order == 0)
}
