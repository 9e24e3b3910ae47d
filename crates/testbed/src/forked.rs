//! A body in a forked child, for what a test process must not do to itself.
#![allow(unsafe_code, reason = "fork and _exit")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::io::Errno;
use rustix::process::{getpid, set_child_subreaper};

/// Runs `body` in a forked child and returns its exit code: what `body` returns, or 101 where it
/// panics, or 128 and the signal that ended it.
///
/// The child is a copy made by libc's fork, so `body` may allocate; it leaves without destructors.
///
/// # Panics
/// When the child cannot be made or waited for.
pub fn forked(body: impl FnOnce() -> i32) -> i32 {
    let child = fork(body);
    let (reaped, status) = wait(child);
    assert_eq!(reaped, child, "the forked child was lost");
    code(status)
}

/// As [`forked`], by a parent that adopts and reaps what ends meanwhile: pid 1 of a container may not.
///
/// # Panics
/// As [`forked`].
pub fn forked_by_reaper(body: impl FnOnce() -> i32) -> i32 {
    forked(|| {
        set_child_subreaper(Some(getpid())).expect("subreaper");
        let child = fork(body);
        loop {
            let (reaped, status) = wait(-1);
            assert_ne!(reaped, -1, "the forked child was lost");
            if reaped == child {
                return code(status);
            }
        }
    })
}

fn fork(body: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: libc's fork repairs libc's own state; the child ends in _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
        // SAFETY: ends the child and nothing else.
        unsafe { libc::_exit(code) }
    }
    child
}

fn wait(child: libc::pid_t) -> (libc::pid_t, i32) {
    let mut status = 0;
    // SAFETY: writes one int.
    let mut wait = || unsafe { libc::waitpid(child, &raw mut status, 0) };
    let mut reaped = wait();
    // A fuzzer has a timer, whose handler interrupts.
    while reaped == -1 && Errno::from_io_error(&io::Error::last_os_error()) == Some(Errno::INTR) {
        reaped = wait();
    }
    (reaped, status)
}

fn code(status: i32) -> i32 {
    if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_childs_whoever_else_ends() {
        assert_eq!(forked(|| 7), 7);
        assert_eq!(forked(|| panic!("on purpose")), 101);
        // The orphan's end is not the body's.
        let with_an_orphan = || {
            let parent = fork(|| {
                fork(|| 3);
                4
            });
            wait(parent);
            5
        };
        assert_eq!(forked_by_reaper(with_an_orphan), 5);
    }
}
