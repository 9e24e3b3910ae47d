//! `tiny`, started without namespaces.
#![allow(unsafe_code, reason = "fork")]

use std::process::Command;

use crate::TINY;

/// By `std::process::Command`.
///
/// # Panics
/// When `tiny` does not run.
pub fn std_command() {
    assert!(Command::new(TINY).status().expect("tiny runs").success());
}

/// By libc's fork and execve, and nothing else.
///
/// # Panics
/// When `tiny` does not run.
pub fn fork_and_exec() {
    const PROGRAM: &std::ffi::CStr =
        match std::ffi::CStr::from_bytes_with_nul(concat!(env!("TINY"), "\0").as_bytes()) {
            Ok(program) => program,
            Err(_) => panic!("a path has no NUL"),
        };
    let (argv, envp) = ([PROGRAM.as_ptr(), std::ptr::null()], [std::ptr::null()]);
    // SAFETY: the child makes two bare calls.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: both arrays end with a null pointer.
        unsafe { libc::execve(PROGRAM.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
        // SAFETY: it ends the child.
        unsafe { libc::_exit(127) };
    }
    let pid = rustix::process::Pid::from_raw(pid).expect("fork");
    let ended = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    let (_, status) = ended.expect("wait").expect("it has ended");
    assert_eq!(status.exit_status(), Some(0));
}
