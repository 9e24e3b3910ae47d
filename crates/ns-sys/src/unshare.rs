//! unshare(2).
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_unshare, CLONE_FILES, CLONE_THREAD};

use crate::arch::syscall;
use crate::flags::UnshareFlags;
use crate::{Errno, Result};

/// `unshare(flags)` — gives the calling thread namespaces, or other things, of its own.
///
/// Of a program with threads, the calling thread alone changes; `NEWPID` and `NEWTIME` take effect
/// for its next child, and after `NEWPID` it can start no more threads.
///
/// # Errors
/// - `EPERM`: all but `NEWUSER`, `FS` and `SYSVSEM` need `CAP_SYS_ADMIN`; `NEWUSER` from a chroot.
/// - `EINVAL`: `NEWUSER` with more than one thread; a second `NEWPID`; a kernel without that kind;
///   without a call, bits that are no flag of [`UnshareFlags`].
/// - `ENOSPC`: a limit of namespaces(7) is reached, or they are nested too deep.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16; each flag as documented there.
///
/// # Examples
/// ```
/// use ns_sys::UnshareFlags;
///
/// std::thread::spawn(|| ns_sys::unshare(UnshareFlags::FS)).join().unwrap()?;
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// unshare(2); kernel/fork.c `ksys_unshare`.
pub fn unshare(flags: UnshareFlags) -> Result<()> {
    // The raw constructors of the type take any bits.
    if !UnshareFlags::all().contains(flags) {
        return Err(Errno::INVAL);
    }
    // SAFETY: CLONE_FILES, which takes descriptors from their owners, is not among the flags.
    unsafe { syscall(__NR_unshare, [flags.bits() as usize]) }.map(drop)
}

/// `unshare(CLONE_THREAD)` — whether the calling process has other threads, or shares its memory with
/// another process; changes nothing.
///
/// # Errors
/// - `EPERM`, `ENOSYS`: a seccomp filter forbids the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # Examples
/// ```
/// let alone = !ns_sys::is_shared()?;
/// let (sender, receiver) = std::sync::mpsc::channel::<()>();
/// let thread = std::thread::spawn(move || receiver.recv());
/// assert!(ns_sys::is_shared()?);
/// # drop((sender, thread, alone));
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// unshare(2); kernel/fork.c `check_unshare_flags`.
pub fn is_shared() -> Result<bool> {
    // SAFETY: takes a number, and does nothing.
    match unsafe { syscall(__NR_unshare, [CLONE_THREAD as usize]) } {
        Ok(_) => Ok(false),
        Err(Errno::INVAL) => Ok(true),
        Err(errno) => Err(errno),
    }
}

/// `unshare(CLONE_FILES)` — gives the calling thread a copy of the descriptor table.
///
/// # Errors
/// - `EMFILE`: more are open than `/proc/sys/fs/nr_open` now allows.
/// - `ENOMEM`.
///
/// # Safety
/// A descriptor means different files in this thread and the others from now on: no owner of one
/// may be used on the other side of the split, or dropped there expecting to close it here.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16.
///
/// # References
/// unshare(2); kernel/fork.c `ksys_unshare`.
pub unsafe fn unshare_files() -> Result<()> {
    // SAFETY: the caller keeps owners on their side.
    unsafe { syscall(__NR_unshare, [CLONE_FILES as usize]) }.map(drop)
}
