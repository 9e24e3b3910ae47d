//! Orphans that became children of `space`: as process 1 of a pid namespace, or as their subreaper with `--timeout`.
#![allow(unsafe_code, reason = "waitid(2) for the ID of a process, which rustix lacks")]

use std::mem::MaybeUninit;

use rustix::process::{Pid, WaitOptions, waitpid};

/// Reaps the orphans that have exited. `program` is left to its handle; if it has exited, the rest is left to the
/// next reaper.
pub(super) fn reap(program: Option<Pid>) {
    while let Some(child) = exited_child() {
        if Some(child) == program {
            return;
        }
        let _ = waitpid(Some(child), WaitOptions::NOHANG);
    }
}

/// Returns a child that has exited, without reaping it.
fn exited_child() -> Option<Pid> {
    // The kernel writes nothing if there is none.
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the pointer is valid for a write of the whole struct.
    if unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } != 0 {
        return None;
    }
    // SAFETY: a struct of integers may be zero, and the kernel writes integers.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid writes the variant of SIGCHLD, which has a process ID.
    Pid::from_raw(unsafe { info.si_pid() })
}
