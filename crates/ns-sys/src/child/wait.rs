//! Wait for a child by its process ID. No other code may reap the child, or the ID may be reused.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_wait4, __NR_waitid, __WALL, P_PID, WEXITED, WNOHANG, WNOWAIT};

use crate::arch::syscall;
use crate::{Result, WaitFlags, WaitStatus};

/// `wait4(pid, status, flags, NULL)` — wait until a child has terminated, and reap it.
///
/// With [`WaitFlags::NOHANG`], returns `None` while the child runs. With [`WaitFlags::CLONE`], the call
/// fails with `ECHILD` once a child that was created without an exit signal has executed a program.
/// Blocks unless `flags` contain `NOHANG`.
///
/// # Errors
/// - `ECHILD`: the process is not a child of the caller, or `flags` exclude it.
/// - `EINTR`: a signal handler interrupted the wait.
/// - `EINVAL`: `flags` contain [`WaitFlags::NOWAIT`], which this call does not support.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.2.
///
/// # References
/// wait4(2), wait(2); kernel/exit.c.
pub fn wait4(pid: u32, flags: WaitFlags) -> Result<Option<WaitStatus>> {
    let mut status = 0_i32;
    let arguments = [pid as usize, (&raw mut status).expose_provenance(), flags.bits() as usize, 0];
    // SAFETY: the kernel writes one int, which outlives the call.
    let reaped = unsafe { syscall(__NR_wait4, arguments) }?;
    Ok((reaped != 0).then_some(WaitStatus::from_raw(status)))
}

/// `waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT | __WALL)` — whether a child has terminated.
///
/// The child is not reaped.
///
/// # Errors
/// - `ECHILD`: the process is not a child of the caller.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.9; `__WALL` 4.7.
///
/// # References
/// waitid(2); kernel/exit.c.
pub fn has_terminated(pid: u32) -> Result<bool> {
    /// `siginfo_t` of include/uapi/asm-generic/siginfo.h. `si_signo` is first, and 0 if no child has
    /// terminated.
    type Info = [u32; 32];
    let mut info: Info = [0; 32];
    let flags = WEXITED | WNOHANG | WNOWAIT | __WALL;
    let pointer = (&raw mut info).expose_provenance();
    let arguments = [P_PID as usize, pid as usize, pointer, flags as usize, 0];
    // SAFETY: the kernel writes one siginfo_t, which outlives the call.
    unsafe { syscall(__NR_waitid, arguments) }?;
    Ok(info[0] != 0)
}
