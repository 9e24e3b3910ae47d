//! Leaving: by executing a program, or for good.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::{CStr, c_char};

use linux_raw_sys::general::{__NR_execve, __NR_execveat, __NR_exit_group};
use rustix::fd::BorrowedFd;
use rustix::fs::AtFlags;

use super::fd;
use crate::Errno;
use crate::arch::syscall;

/// `execve(path, argv, envp)` — replaces the program; returns only when that failed.
///
/// Looks nothing up in `PATH`, and runs no shell for a script without `#!`.
///
/// # Errors
/// - `ENOENT`: no such file, or the interpreter that it names is missing.
/// - `EACCES`: not executable, a folder, or on a mount with `noexec`.
/// - `ENOEXEC`: not a program, also a script without `#!`.
/// - `ETXTBSY`: somebody has it open for writing.
/// - `E2BIG`: arguments and environment are too large.
/// - `ELOOP`, `ENAMETOOLONG`, `ENOTDIR`: of the path.
///
/// # Safety
/// Both arrays hold pointers to C strings and end with a null pointer.
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
/// let failed = unsafe { execve(c"/no/such/program", none.as_ptr(), none.as_ptr()) };
/// assert_eq!(failed, Errno::NOENT);
/// ```
///
/// # References
/// execve(2); fs/exec.c.
pub unsafe fn execve(path: &CStr, argv: *const *const c_char, envp: *const *const c_char) -> Errno {
    let arguments =
        [path.as_ptr().expose_provenance(), argv.expose_provenance(), envp.expose_provenance()];
    // SAFETY: the caller vouches for the arrays.
    failure(unsafe { syscall(__NR_execve, arguments) })
}

/// `execveat(dir, path, argv, envp, flags)` — replaces the program by the file at `path` below `dir`, or
/// with `EMPTY_PATH` and an empty path by `dir` itself; returns only when that failed.
///
/// # Errors
/// - As [`execve`], and `ENOENT` for a script whose descriptor is close-on-exec: its interpreter
///   cannot open it any more.
///
/// # Safety
/// As [`execve`].
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
    // SAFETY: the caller vouches for the arrays.
    failure(unsafe { syscall(__NR_execveat, arguments) })
}

/// `exit_group(status)` — ends the process with `status & 0xff`: no destructor, no atexit handler, no
/// flush.
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
        // SAFETY: takes a number only. It does not return.
        let _ = unsafe { syscall(__NR_exit_group, [status as usize]) };
    }
}

fn failure(returned: crate::Result<usize>) -> Errno {
    // The kernel returns from a successful call in the new program.
    returned.err().unwrap_or(Errno::NOEXEC)
}
