//! unshare(2).
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_unshare, CLONE_FILES, CLONE_THREAD};

use crate::arch::syscall;
use crate::flags::UnshareFlags;
use crate::{Errno, Result};

/// `unshare(flags)` — move the calling thread into new namespaces, or stop sharing other attributes.
///
/// Only the calling thread changes, not the other threads of the process. `NEWPID` and `NEWTIME` take
/// effect for the next child of the thread. After `NEWPID` the thread cannot create more threads.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN`, which all flags but `NEWUSER`, `FS` and `SYSVSEM` need;
///   or `NEWUSER` is set and the caller is in a chroot.
/// - `EINVAL`: `NEWUSER` with more than one thread; a second `NEWPID`; or the kernel lacks the kind of
///   namespace. Also, without a system call: a bit that is not a flag of [`UnshareFlags`].
/// - `ENOSPC`: a limit on namespaces is reached, or they are nested too deeply (namespaces(7)).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.16; see [`UnshareFlags`] for each flag.
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
    // `from_bits_retain` accepts any bits.
    if !UnshareFlags::all().contains(flags) {
        return Err(Errno::INVAL);
    }
    // SAFETY: the flags do not contain CLONE_FILES, which would separate descriptors from their owners.
    unsafe { syscall(__NR_unshare, [flags.bits() as usize]) }.map(drop)
}

/// `unshare(CLONE_THREAD)` — whether the calling process has other threads or shares its memory with
/// another process.
///
/// The call changes nothing: unshare(2) only checks this flag.
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
/// let (sender, receiver) = std::sync::mpsc::channel::<()>();
/// let thread = std::thread::spawn(move || receiver.recv());
/// assert!(ns_sys::is_shared()?);
/// # drop((sender, thread));
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// unshare(2); kernel/fork.c `check_unshare_flags`.
pub fn is_shared() -> Result<bool> {
    // SAFETY: the call takes a number and changes nothing.
    match unsafe { syscall(__NR_unshare, [CLONE_THREAD as usize]) } {
        Ok(_) => Ok(false),
        Err(Errno::INVAL) => Ok(true),
        Err(errno) => Err(errno),
    }
}

/// `unshare(CLONE_FILES)` — give the calling thread its own copy of the descriptor table.
///
/// # Errors
/// - `EMFILE`: more descriptors are open than `/proc/sys/fs/nr_open` now allows.
/// - `ENOMEM`: the kernel has no memory for the copy.
///
/// # Safety
/// From now on a descriptor number can refer to different files in this thread and in the others. An
/// owned descriptor must be used and dropped only on its own side: dropping it closes it only in the
/// table of the thread that drops it.
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
    // SAFETY: the caller uses each owned descriptor on its own side only.
    unsafe { syscall(__NR_unshare, [CLONE_FILES as usize]) }.map(drop)
}
