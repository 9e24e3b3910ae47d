//! Pseudo-terminals and the controlling terminal: ioctl(2) operations of terminals.
#![allow(unsafe_code, reason = "ioctl(2) with numbers and pointers to local variables")]

use core::mem::MaybeUninit;

use rustix::fd::{BorrowedFd, RawFd};
use rustix::fs::OFlags;

use super::io::ioctl;
use super::raw_fd;
use crate::Result;

// From include/uapi/asm-generic/ioctls.h; every supported architecture has these values.
const TIOCSCTTY: u32 = 0x540e;
const TIOCSWINSZ: u32 = 0x5414;
const TIOCGPTN: u32 = 0x8004_5430;
const TIOCSPTLCK: u32 = 0x4004_5431;
const TIOCGPTPEER: u32 = 0x5441;

/// `ioctl(terminal, TIOCSCTTY, 0)` — make a terminal the controlling terminal of the calling process, which
/// leads a session without one.
///
/// # Errors
/// - `ENOTTY`: the file is not a terminal.
/// - `EPERM`: the process leads no session, or another session has the terminal.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// TIOCSCTTY(2const); drivers/tty/tty_jobctrl.c.
pub fn ioctl_tiocsctty(terminal: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the argument is an integer.
    unsafe { ioctl(terminal, TIOCSCTTY, 0) }.map(drop)
}

/// `ioctl(master, TIOCSPTLCK, &locked)` — lock or unlock the other end of a pseudo-terminal.
///
/// # Errors
/// - `ENOTTY`: the file is not the master of a pseudo-terminal.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.
///
/// # Examples
/// ```
/// use std::fs::File;
/// use std::os::fd::AsFd;
///
/// use ns_sys::Errno;
/// use ns_sys::child::ioctl_tiocsptlck;
///
/// let null = File::open("/dev/null")?;
/// assert_eq!(ioctl_tiocsptlck(null.as_fd(), false), Err(Errno::NOTTY));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// TIOCSPTLCK(2const), unlockpt(3); drivers/tty/pty.c.
pub fn ioctl_tiocsptlck(master: BorrowedFd<'_>, locked: bool) -> Result<()> {
    let value = i32::from(locked);
    // SAFETY: the operation reads an integer, which outlives the call.
    unsafe { ioctl(master, TIOCSPTLCK, (&raw const value).expose_provenance()) }.map(drop)
}

/// `ioctl(master, TIOCGPTN, &number)` — get the number of a pseudo-terminal, its name in devpts.
///
/// # Errors
/// - `ENOTTY`: the file is not the master of a pseudo-terminal.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.1.
///
/// # References
/// TIOCGPTN(2const), ptsname(3); drivers/tty/pty.c.
pub fn ioctl_tiocgptn(master: BorrowedFd<'_>) -> Result<u32> {
    let mut number = MaybeUninit::<u32>::uninit();
    // SAFETY: the operation writes an integer, which outlives the call.
    unsafe { ioctl(master, TIOCGPTN, number.as_mut_ptr().expose_provenance()) }?;
    // SAFETY: the kernel has written it.
    Ok(unsafe { number.assume_init() })
}

/// `ioctl(master, TIOCGPTPEER, flags)` — open the other end of a pseudo-terminal, whatever is at its path; the
/// caller must close the descriptor.
///
/// # Errors
/// - `ENOTTY`: the file is not the master of a pseudo-terminal.
/// - `EIO`: the other end is locked: see [`ioctl_tiocsptlck`].
/// - `EINVAL`: before Linux 4.13.
/// - `EMFILE`: no descriptor below `RLIMIT_NOFILE` is free.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.13.
///
/// # References
/// TIOCGPTPEER(2const); drivers/tty/pty.c.
pub fn ioctl_tiocgptpeer(master: BorrowedFd<'_>, flags: OFlags) -> Result<RawFd> {
    // SAFETY: the argument is an integer.
    unsafe { ioctl(master, TIOCGPTPEER, flags.bits() as usize) }.map(raw_fd)
}

/// `struct winsize` of include/uapi/asm-generic/termios.h.
#[repr(C)]
struct WindowSize {
    rows: u16,
    columns: u16,
    pixels: [u16; 2],
}

/// `ioctl(terminal, TIOCSWINSZ, {rows, columns})` — set the size of the window of a terminal.
///
/// # Errors
/// - `ENOTTY`: the file is not a terminal.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// TIOCSWINSZ(2const); drivers/tty/tty_io.c.
pub fn ioctl_tiocswinsz(terminal: BorrowedFd<'_>, rows: u16, columns: u16) -> Result<()> {
    let size = WindowSize { rows, columns, pixels: [0; 2] };
    // SAFETY: the operation reads such a struct, which outlives the call.
    unsafe { ioctl(terminal, TIOCSWINSZ, (&raw const size).expose_provenance()) }.map(drop)
}
