//! A word that the kernel marks when its thread ends or executes a program.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use linux_raw_sys::general::{
    __NR_get_robust_list, __NR_gettid, __NR_set_robust_list, FUTEX_OWNER_DIED, FUTEX_WAITERS,
};

use crate::Result;
use crate::arch::syscall;

/// `struct robust_list_head` of include/uapi/linux/futex.h, with one word and no list.
#[repr(C)]
#[derive(Debug)]
pub struct RobustList {
    /// Leads back here: the list is empty.
    next: *const Self,
    futex_offset: isize,
    list_op_pending: *const AtomicU32,
}

impl RobustList {
    /// One that names no word yet.
    #[expect(clippy::new_without_default, reason = "not a value to have by default")]
    pub const fn new() -> Self {
        Self { next: ptr::null(), futex_offset: 0, list_op_pending: ptr::null() }
    }
}

/// `gettid()` and `set_robust_list(list, size)` — stores the thread's id in `word`, and lets the kernel
/// mark the word and wake who waits for it when the thread ends or executes a program.
///
/// Works in memory of the thread's own too, if `word` lies in a shared mapping, where
/// `CLONE_CHILD_CLEARTID` clears nothing. [`has_died`] knows the mark.
///
/// # Errors
/// - `ENOSYS`: a seccomp filter hides the call.
///
/// # Safety
/// `list` stays where it is, and `word` mapped, until the thread has ended or executed a program. Whatever
/// list libc had set for this thread is replaced: its robust mutexes are not marked any more.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.17.
///
/// # References
/// set_robust_list(2); kernel/futex/core.c `exit_robust_list`.
pub unsafe fn set_robust_list(list: &mut RobustList, word: &AtomicU32) -> Result<()> {
    list.next = list;
    list.list_op_pending = word;
    let address = ptr::from_mut(list).expose_provenance();
    // SAFETY: takes nothing.
    let tid = unsafe { syscall(__NR_gettid, []) }? as u32;
    word.store(tid | FUTEX_WAITERS, Ordering::Release);
    // SAFETY: the caller keeps both until the kernel has looked at them.
    unsafe { syscall(__NR_set_robust_list, [address, size_of::<RobustList>()]) }.map(drop)
}

/// A list that was set for this thread, by libc for its robust mutexes, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerList {
    head: usize,
    size: usize,
}

/// `get_robust_list(0)` — what is set for this thread, to be set again by [`restore_robust_list`].
///
/// # Errors
/// - `ENOSYS`, `EPERM`: a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.17.
///
/// # Examples
/// ```
/// use ns_sys::child::{get_robust_list, restore_robust_list};
///
/// let libcs = get_robust_list()?;
/// // SAFETY: it is what was set.
/// unsafe { restore_robust_list(libcs) }?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// get_robust_list(2); kernel/futex/syscalls.c.
pub fn get_robust_list() -> Result<FormerList> {
    let (mut head, mut size) = (0_usize, 0_usize);
    let arguments = [0, (&raw mut head).expose_provenance(), (&raw mut size).expose_provenance()];
    // SAFETY: both outlive the call, which writes one word into each.
    unsafe { syscall(__NR_get_robust_list, arguments) }?;
    Ok(FormerList { head, size })
}

/// `set_robust_list(list, size)` — sets a list again that was set before.
///
/// # Errors
/// - `ENOSYS`: a seccomp filter hides the call.
///
/// # Safety
/// What [`get_robust_list`] told in this thread, or in the one of which it is a copy, is still a list
/// there.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.17.
///
/// # References
/// set_robust_list(2); kernel/futex/syscalls.c.
pub unsafe fn restore_robust_list(list: FormerList) -> Result<()> {
    // SAFETY: the caller's word.
    unsafe { syscall(__NR_set_robust_list, [list.head, list.size]) }.map(drop)
}

/// Whether a word holds the mark of [`set_robust_list`].
pub const fn has_died(value: u32) -> bool {
    value & FUTEX_OWNER_DIED != 0
}
