//! Execute a program, or exit.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::{CStr, c_char};

use linux_raw_sys::general::{__NR_execve, __NR_execveat, __NR_exit_group};
use rustix::fd::BorrowedFd;
use rustix::fs::AtFlags;

use super::fd;
use crate::Errno;
use crate::arch::syscall;

/// `execve(path, argv, envp)` — execute a program; returns only if that fails.
///
/// This call does not search `PATH`, and does not run a script without `#!` in a shell.
///
/// # Errors
/// - `ENOENT`: the file or its interpreter does not exist.
/// - `EACCES`: the file is not executable, is not a regular file, or is on a mount with `noexec`.
/// - `ENOEXEC`: the file is not a program; a script without `#!` is not one either.
/// - `ETXTBSY`: the file is open for writing.
/// - `E2BIG`: the arguments and the environment are too large.
/// - `ELOOP`, `ENAMETOOLONG`, `ENOTDIR`: errors of the path.
///
/// # Safety
/// Both arrays must contain pointers to C strings and end with a null pointer.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # Examples
/// ```
/// use std::ptr;
///
/// use ns_sys::Errno;
/// use ns_sys::child::execve;
///
/// let none = [ptr::null()];
/// // SAFETY: both arrays end with a null pointer.
/// let errno = unsafe { execve(c"/no/such/program", none.as_ptr(), none.as_ptr()) };
/// assert_eq!(errno, Errno::NOENT);
/// ```
///
/// # References
/// execve(2); fs/exec.c.
pub unsafe fn execve(path: &CStr, argv: *const *const c_char, envp: *const *const c_char) -> Errno {
    let arguments =
        [path.as_ptr().expose_provenance(), argv.expose_provenance(), envp.expose_provenance()];
    // SAFETY: the path outlives the call; the caller guarantees that the arrays are valid.
    failure(unsafe { syscall(__NR_execve, arguments) })
}

/// `execveat(dir, path, argv, envp, flags)` — execute the program at `path` relative to `dir`; returns
/// only if that fails.
///
/// With `EMPTY_PATH` and an empty path, `dir` itself is the program.
///
/// # Errors
/// As for [`execve`], and:
/// - `ENOENT`: the file is a script and the descriptor is close-on-exec, so that the interpreter could
///   not open it.
///
/// # Safety
/// As for [`execve`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 3.19.
///
/// # References
/// execveat(2); fs/exec.c.
pub unsafe fn execveat(
    dir: BorrowedFd<'_>,
    path: &CStr,
    argv: *const *const c_char,
    envp: *const *const c_char,
    flags: AtFlags,
) -> Errno {
    let arguments = [
        fd(dir),
        path.as_ptr().expose_provenance(),
        argv.expose_provenance(),
        envp.expose_provenance(),
        flags.bits() as usize,
    ];
    // SAFETY: the path outlives the call; the caller guarantees that the arrays are valid.
    failure(unsafe { syscall(__NR_execveat, arguments) })
}

/// `exit_group(status)` — terminate the process with exit code `status & 0xff`.
///
/// No destructor and no atexit(3) handler runs, and no stream is flushed.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.5.35.
///
/// # References
/// exit_group(2); kernel/exit.c.
pub fn exit_group(status: i32) -> ! {
    loop {
        // SAFETY: the call takes a number only. It does not return.
        let _ = unsafe { syscall(__NR_exit_group, [status as usize]) };
    }
}

fn failure(returned: crate::Result<usize>) -> Errno {
    // A successful call does not return here.
    returned.err().unwrap_or(Errno::NOEXEC)
}
