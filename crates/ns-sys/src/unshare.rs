//! unshare(2).
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_unshare, CLONE_FILES};

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
