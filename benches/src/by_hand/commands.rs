//! Starts of `tiny` without namespaces.
#![allow(unsafe_code, reason = "fork")]

use std::process::Command;

use crate::TINY;

/// Starts `tiny` by `std::process::Command`.
///
/// # Panics
/// If `tiny` cannot be run.
pub fn std_command() {
    assert!(Command::new(TINY).status().expect("run tiny").success());
}

/// Starts `tiny` by libc's fork and execve.
///
/// # Panics
/// If `tiny` cannot be run.
pub fn fork_and_exec() {
    const PROGRAM: &std::ffi::CStr =
        match std::ffi::CStr::from_bytes_with_nul(concat!(env!("TINY"), "\0").as_bytes()) {
            Ok(program) => program,
            Err(_) => panic!("a path with a NUL byte"),
        };
    let (argv, envp) = ([PROGRAM.as_ptr(), std::ptr::null()], [std::ptr::null()]);
    // SAFETY: the child only calls execve and _exit, which are async-signal-safe.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: the path is NUL-terminated, and both arrays end with a null pointer.
        unsafe { libc::execve(PROGRAM.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
        // SAFETY: _exit runs no handler and no destructor.
        unsafe { libc::_exit(127) };
    }
    let pid = rustix::process::Pid::from_raw(pid).expect("fork");
    let result = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    let (_, status) = result.expect("wait").expect("the child has exited");
    assert_eq!(status.exit_status(), Some(0));
}
