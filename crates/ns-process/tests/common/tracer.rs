//! A process that traces another one.
#![allow(unsafe_code, reason = "fork(2) and ptrace(2)")]

use std::fs;

use super::eventually;

/// Forks a tracer that never waits, and returns its process ID once it traces the process `pid`. The caller kills and
/// reaps it.
pub(crate) fn trace(pid: libc::pid_t) -> libc::pid_t {
    // SAFETY: libc's fork repairs libc's own state; the child sleeps until it is killed.
    let tracer = match unsafe { libc::fork() } {
        0 => loop {
            // SAFETY: PTRACE_SEIZE takes no memory.
            unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        },
        tracer => tracer,
    };
    eventually("it is traced", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
        status.contains(&format!("TracerPid:\t{tracer}\n"))
    });
    tracer
}
