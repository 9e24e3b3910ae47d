//! Code in a forked child, for changes that the test process must not make to itself.
#![allow(unsafe_code, reason = "fork and _exit")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::io::Errno;
use rustix::process::{getpid, set_child_subreaper};

/// Runs `body` in a forked child and returns its exit code: the value of `body`, or 101 if it panics, or 128
/// plus the number of the signal that terminated it.
///
/// The child is made by libc's fork, so that `body` may allocate. It exits without running destructors.
///
/// # Panics
/// The child cannot be made or waited for.
pub fn forked(body: impl FnOnce() -> i32) -> i32 {
    let child = fork(body);
    let (reaped, status) = wait(child);
    assert_eq!(reaped, child, "the forked child was lost");
    code(status)
}

/// As [`forked`], by a parent that adopts and reaps orphans meanwhile, which process 1 of a container may not do.
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
        // SAFETY: exits from the child.
        unsafe { libc::_exit(code) }
    }
    child
}

fn wait(child: libc::pid_t) -> (libc::pid_t, i32) {
    let mut status = 0;
    // SAFETY: writes one int.
    let mut wait = || unsafe { libc::waitpid(child, &raw mut status, 0) };
    let mut reaped = wait();
    // The timer of a fuzzer interrupts.
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
    fn the_code_is_that_of_the_child() {
        assert_eq!(forked(|| 7), 7);
        assert_eq!(forked(|| panic!("on purpose")), 101);
        // The exit code of an orphan is not that of the child.
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
