//! A word that the kernel marks when its thread ends or executes a program.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use linux_raw_sys::general::{__NR_gettid, __NR_set_robust_list, FUTEX_OWNER_DIED, FUTEX_WAITERS};

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

/// Whether a word holds the mark of [`set_robust_list`].
pub const fn has_died(value: u32) -> bool {
    value & FUTEX_OWNER_DIED != 0
}
