//! Waiting for a child by its id, which nobody else reaps.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_wait4, __NR_waitid, __WALL, P_PID, WEXITED, WNOHANG, WNOWAIT};

use crate::arch::syscall;
use crate::{Result, WaitFlags, WaitStatus};

/// `wait4(pid, status, flags, NULL)` — waits for the end of a child of this process, and reaps it; `None`
/// with `NOHANG` while it lives.
///
/// With [`WaitFlags::CLONE`] the answer is `ECHILD` as soon as a child that was made without an exit signal
/// has executed a program.
///
/// # Errors
/// - `ECHILD`: no child of this process, or not one that `flags` admit.
/// - `EINTR`: a signal handler ran.
/// - `EINVAL`: [`WaitFlags::NOWAIT`], which this call does not know.
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
    let ended = unsafe { syscall(__NR_wait4, arguments) }?;
    Ok((ended != 0).then_some(WaitStatus::from_raw(status)))
}

/// `waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT | __WALL)` — whether a child of this process has ended;
/// it is not reaped.
///
/// # Errors
/// - `ECHILD`: no child of this process.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.9; `__WALL` 4.7.
///
/// # References
/// waitid(2); kernel/exit.c.
pub fn has_ended(pid: u32) -> Result<bool> {
    /// `siginfo_t` of include/uapi/asm-generic/siginfo.h; `si_signo` comes first, and is 0 for nobody.
    type Info = [u32; 32];
    let mut info: Info = [0; 32];
    let flags = WEXITED | WNOHANG | WNOWAIT | __WALL;
    let place = (&raw mut info).expose_provenance();
    let arguments = [P_PID as usize, pid as usize, place, flags as usize, 0];
    // SAFETY: the kernel writes one siginfo_t, which outlives the call.
    unsafe { syscall(__NR_waitid, arguments) }?;
    Ok(info[0] != 0)
}
