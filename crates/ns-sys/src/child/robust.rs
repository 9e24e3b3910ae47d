//! The robust futex list: a word that the kernel marks when its thread terminates or executes a program.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use linux_raw_sys::general::{
    __NR_get_robust_list, __NR_gettid, __NR_set_robust_list, FUTEX_OWNER_DIED, FUTEX_WAITERS,
};

use crate::Result;
use crate::arch::syscall;

/// `struct robust_list_head`, with one pending word and an empty list.
///
/// # References
/// set_robust_list(2); include/uapi/linux/futex.h.
#[repr(C)]
#[derive(Debug)]
pub struct RobustList {
    /// Points to the struct itself, which makes the list empty.
    next: *const Self,
    futex_offset: isize,
    list_op_pending: *const AtomicU32,
}

impl RobustList {
    /// A list without a word; [`set_robust_list`] sets the word.
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    #[expect(clippy::new_without_default, reason = "a default list would have no use")]
    pub const fn new() -> Self {
        Self { next: ptr::null(), futex_offset: 0, list_op_pending: ptr::null() }
    }
}

/// `gettid()` and `set_robust_list(list, size)` — store the thread ID in `word`, and make the kernel
/// mark `word` and wake its waiters when the thread terminates or executes a program.
///
/// If `word` is in a shared mapping, this also works in a process with its own copy of the memory, where
/// the kernel ignores `CLONE_CHILD_CLEARTID`. [`is_owner_dead`] tests for the mark.
///
/// # Errors
/// - `ENOSYS`: a seccomp filter hides the call.
///
/// # Safety
/// `list` must not move and `word` must stay mapped until the thread has terminated or executed a
/// program. The call replaces the list that libc has set for this thread, so the kernel no longer marks
/// libc's robust mutexes.
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
    // SAFETY: the call takes no argument.
    let tid = unsafe { syscall(__NR_gettid, []) }? as u32;
    word.store(tid | FUTEX_WAITERS, Ordering::Release);
    // SAFETY: the caller keeps both in place until the kernel has read them.
    unsafe { syscall(__NR_set_robust_list, [address, size_of::<RobustList>()]) }.map(drop)
}

/// The robust futex list that was set for this thread, usually by libc for its robust mutexes, or none.
///
/// # References
/// get_robust_list(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedRobustList {
    head: usize,
    size: usize,
}

/// `get_robust_list(0)` — get the list of the calling thread, for [`restore_robust_list`].
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
/// let list = get_robust_list()?;
/// // SAFETY: it is the list of this thread.
/// unsafe { restore_robust_list(list) }?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// get_robust_list(2); kernel/futex/syscalls.c.
pub fn get_robust_list() -> Result<SavedRobustList> {
    let (mut head, mut size) = (0_usize, 0_usize);
    let arguments = [0, (&raw mut head).expose_provenance(), (&raw mut size).expose_provenance()];
    // SAFETY: both words outlive the call, which writes one word into each.
    unsafe { syscall(__NR_get_robust_list, arguments) }?;
    Ok(SavedRobustList { head, size })
}

/// `set_robust_list(list, size)` — set a list that [`get_robust_list`] has returned.
///
/// # Errors
/// - `ENOSYS`: a seccomp filter hides the call.
///
/// # Safety
/// `list` must come from this thread, or from the thread of which this one is a copy, and it must still
/// be valid in this thread's memory.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.17.
///
/// # References
/// set_robust_list(2); kernel/futex/syscalls.c.
pub unsafe fn restore_robust_list(list: SavedRobustList) -> Result<()> {
    // SAFETY: the caller guarantees that the list is still valid.
    unsafe { syscall(__NR_set_robust_list, [list.head, list.size]) }.map(drop)
}

/// Whether `value` has the mark of [`set_robust_list`]: the thread has terminated or executed a program.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # References
/// futex(2) on `FUTEX_OWNER_DIED`.
pub const fn is_owner_dead(value: u32) -> bool {
    value & FUTEX_OWNER_DIED != 0
}
