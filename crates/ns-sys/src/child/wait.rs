//! Waiting for a child by its id, which nobody else reaps.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::__NR_wait4;

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
