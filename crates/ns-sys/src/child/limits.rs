//! What a process may use.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_prlimit64, __NR_setpriority, rlimit64};

use crate::Result;
use crate::arch::syscall;

/// `setpriority(PRIO_PROCESS, 0, nice)` — sets the nice value of this thread, -20 to 19.
///
/// # Errors
/// - `EACCES`: lower than now, without `CAP_SYS_NICE`, and below what `RLIMIT_NICE` allows.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// // Niceness of its own for this thread; others keep theirs.
/// std::thread::spawn(|| ns_sys::child::setpriority(19)).join().expect("a thread")?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// setpriority(2); kernel/sys.c.
pub fn setpriority(nice: i32) -> Result<()> {
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_setpriority, [0, 0, nice as usize]) }.map(drop)
}

/// `prlimit(0, resource, new)` — sets a resource limit, soft and hard.
///
/// `resource` is a number of getrlimit(2) in the architecture's own count, `u64::MAX` no limit.
///
/// # Errors
/// - `EPERM`: a hard limit above the present one, without `CAP_SYS_RESOURCE`.
/// - `EINVAL`: no such resource, or `soft` above `hard`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.36.
///
/// # Examples
/// ```
/// // `RLIMIT_CORE`: the limit that is there already.
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

/// `prlimit(0, resource, NULL, old)` — the calling process's soft and hard limit; `u64::MAX` is none.
///
/// Unlike libc's and others' getrlimit it can fail, where a seccomp filter forbids the call.
///
/// # Errors
/// `EINVAL`: no such resource.
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
    let mut told = rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let arguments = [0, resource as usize, 0, (&raw mut told).expose_provenance()];
    // SAFETY: the kernel writes the struct, which outlives the call.
    unsafe { syscall(__NR_prlimit64, arguments) }?;
    Ok((told.rlim_cur, told.rlim_max))
}
