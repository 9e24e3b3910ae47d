//! The nice value and resource limits.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_prlimit64, __NR_setpriority, rlimit64};

use crate::Result;
use crate::arch::syscall;

/// `setpriority(PRIO_PROCESS, 0, nice)` — set the nice value of the calling thread, -20 to 19.
///
/// # Errors
/// - `EACCES`: the value is lower than the current one and than `RLIMIT_NICE` allows, and the caller lacks
///   `CAP_SYS_NICE`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// // Only the new thread changes.
/// std::thread::spawn(|| ns_sys::child::setpriority(19)).join().expect("join")?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// setpriority(2); kernel/sys.c.
pub fn setpriority(nice: i32) -> Result<()> {
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_setpriority, [0, 0, nice as usize]) }.map(drop)
}

/// `prlimit(0, resource, new)` — set the soft and the hard limit of a resource.
///
/// `resource` is a `RLIMIT_*` number of getrlimit(2), which depends on the architecture. `u64::MAX` means
/// no limit.
///
/// # Errors
/// - `EPERM`: `hard` is above the current hard limit and the caller lacks `CAP_SYS_RESOURCE`.
/// - `EINVAL`: the resource does not exist, or `soft` is above `hard`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.36.
///
/// # Examples
/// ```
/// // Set `RLIMIT_CORE` to its current value.
/// let (soft, hard) = ns_sys::child::getrlimit(4)?;
/// ns_sys::child::prlimit(4, soft, hard)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// prlimit(2); kernel/sys.c.
pub fn prlimit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let new = rlimit64 { rlim_cur: soft, rlim_max: hard };
    let arguments = [0, resource as usize, (&raw const new).expose_provenance(), 0];
    // SAFETY: the struct outlives the call.
    unsafe { syscall(__NR_prlimit64, arguments) }.map(drop)
}

/// `prlimit(0, resource, NULL, old)` — get the soft and the hard limit of a resource; `u64::MAX` means no
/// limit.
///
/// `resource` is as for [`prlimit`].
///
/// # Errors
/// - `EINVAL`: the resource does not exist.
/// - `EPERM`, `ENOSYS`: a seccomp filter forbids the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.36.
///
/// # Examples
/// ```
/// // `RLIMIT_NOFILE`.
/// let (soft, hard) = ns_sys::child::getrlimit(7)?;
/// assert!(soft <= hard);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// getrlimit(2); kernel/sys.c.
pub fn getrlimit(resource: u32) -> Result<(u64, u64)> {
    let mut limit = rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let arguments = [0, resource as usize, 0, (&raw mut limit).expose_provenance()];
    // SAFETY: the kernel writes the struct, which outlives the call.
    unsafe { syscall(__NR_prlimit64, arguments) }?;
    Ok((limit.rlim_cur, limit.rlim_max))
}
