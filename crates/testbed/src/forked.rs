//! A body in a forked child, for what a test process must not do to itself.
#![allow(unsafe_code, reason = "fork and _exit")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::io::Errno;

/// Runs `body` in a forked child and returns its exit code: what `body` returns, or 101 where it
/// panics, or 128 and the signal that ended it.
///
/// The child is a copy made by libc's fork, so `body` may allocate; it leaves without destructors.
///
/// # Panics
/// When the child cannot be made or waited for.
pub fn forked(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: libc's fork repairs libc's own state; the child ends in _exit.
    match unsafe { libc::fork() } {
        0 => {
            let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: ends the child and nothing else.
            unsafe { libc::_exit(code) }
        }
        child => wait(child),
    }
}

fn wait(child: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: writes one int.
    let mut wait = || unsafe { libc::waitpid(child, &raw mut status, 0) };
    let mut reaped = wait();
    // A fuzzer has a timer, whose handler interrupts.
    while reaped == -1 && Errno::from_io_error(&io::Error::last_os_error()) == Some(Errno::INTR) {
        reaped = wait();
    }
    assert_eq!(reaped, child, "the forked child was lost");
    if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}
