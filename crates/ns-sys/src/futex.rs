//! Wait on a futex word, and wake its waiters.
//!
//! Both functions use the shared form, without `FUTEX_PRIVATE_FLAG`. The kernel wakes the word of
//! `CHILD_CLEARTID` as a shared futex, which does not wake waiters of the private form.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr;
use core::sync::atomic::AtomicU32;
use core::time::Duration;

use linux_raw_sys::general::{__NR_futex, FUTEX_WAIT, FUTEX_WAKE};

use crate::arch::syscall;
use crate::{Errno, Result};

/// `struct __kernel_timespec`, the native timespec of every architecture that this crate supports.
#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

/// `futex(word, FUTEX_WAIT, expected, timeout)` — block while the word holds `expected`.
///
/// `Ok` can be a spurious wakeup: read the word again.
///
/// # Errors
/// - `EAGAIN`: the word did not hold `expected`.
/// - `ETIMEDOUT`: `timeout`, measured on the monotonic clock, has expired.
/// - `EINTR`: a signal handler interrupted the wait.
///
/// # Async-signal-safety
/// May be called between clone and exec, also on a word in shared memory.
///
/// # Kernel support
/// Linux 2.6.22.
///
/// # Examples
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::thread;
///
/// use ns_sys::futex;
///
/// let word = AtomicU32::new(0);
/// thread::scope(|scope| {
///     scope.spawn(|| {
///         word.store(1, Ordering::Release);
///         futex::wake(&word, 1)
///     });
///     while word.load(Ordering::Acquire) == 0 {
///         let _ = futex::wait(&word, 0, None);
///     }
/// });
/// ```
///
/// # References
/// futex(2); kernel/futex/waitwake.c.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Result<()> {
    let timeout = timeout.map(|limit| Timespec {
        seconds: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: limit.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(0, |limit| ptr::from_ref(limit).expose_provenance());
    let arguments =
        [word.as_ptr().expose_provenance(), FUTEX_WAIT as usize, expected as usize, timeout];
    // SAFETY: the kernel reads the word atomically, and the timeout; both outlive the call.
    unsafe { syscall(__NR_futex, arguments) }.map(drop)
}

/// `futex(word, FUTEX_WAKE, count)` — wake at most `count` waiters, and return how many were woken.
///
/// # Errors
/// - `EINVAL`, without a system call: `count` is above `i32::MAX`.
///
/// # Async-signal-safety
/// May be called between clone and exec, also on a word in shared memory.
///
/// # Kernel support
/// Linux 2.6.22.
///
/// # References
/// futex(2); kernel/futex/waitwake.c.
pub fn wake(word: &AtomicU32, count: u32) -> Result<usize> {
    if count > i32::MAX as u32 {
        return Err(Errno::INVAL);
    }
    let arguments = [word.as_ptr().expose_provenance(), FUTEX_WAKE as usize, count as usize];
    // SAFETY: the kernel uses the address only as a key.
    unsafe { syscall(__NR_futex, arguments) }
}
