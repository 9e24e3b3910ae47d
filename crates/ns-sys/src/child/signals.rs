//! Signal dispositions and signal masks, including the signals 32 and 33 that libc reserves.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr;
use core::time::Duration;

use linux_raw_sys::general::{
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigtimedwait, SIG_SETMASK,
};

use crate::arch::syscall;
use crate::{Errno, Result, Signal};

/// The size in bytes of the kernel's `sigset_t`.
const SIGSET_SIZE: usize = 8;

/// A buffer at least as large as the kernel's `struct sigaction`, which ends with its `sigset_t`.
type Sigaction = [u64; 4];

/// `SIG_DFL` and `SIG_IGN`, values of the first field of that struct.
const DEFAULT: u64 = 0;
const IGNORED: u64 = 1;

/// A set of the signals 1 to 64: the kernel's `sigset_t`.
///
/// ```
/// use ns_sys::Signal;
/// use ns_sys::child::SignalSet;
///
/// let set: SignalSet = [Signal::TERM, Signal::INT].into_iter().collect();
/// assert!(set.contains(Signal::INT) && !set.contains(Signal::HUP));
/// assert!(set.iter().eq([Signal::INT, Signal::TERM]));
/// ```
///
/// # Async-signal-safety
/// All methods may be called between clone and exec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    /// All signals.
    pub const ALL: Self = Self(u64::MAX);

    /// This set with `signal` added.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | Self::bit(signal))
    }

    /// Whether the set contains `signal`.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    /// The signals of the set, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        (1..=64).filter_map(Signal::from_raw).filter(move |signal| self.contains(*signal))
    }

    const fn bit(signal: Signal) -> u64 {
        1 << (signal.as_raw() - 1)
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        signals.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// `rt_sigprocmask(SIG_SETMASK, mask)` — set the signal mask of the calling thread, and return the
/// previous one.
///
/// `SIGKILL` and `SIGSTOP` cannot be blocked; the call ignores them.
///
/// # Errors
/// None that a caller can act on.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.2.
///
/// # Examples
/// ```
/// use ns_sys::child::{SignalSet, rt_sigprocmask};
///
/// let previous = rt_sigprocmask(SignalSet::ALL)?;
/// // No signal handler runs in this thread here.
/// rt_sigprocmask(previous)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// rt_sigprocmask(2); kernel/signal.c.
pub fn rt_sigprocmask(mask: SignalSet) -> Result<SignalSet> {
    let mut previous = SignalSet::EMPTY;
    let arguments = [
        SIG_SETMASK as usize,
        (&raw const mask).expose_provenance(),
        (&raw mut previous).expose_provenance(),
        SIGSET_SIZE,
    ];
    // SAFETY: both sets have the given size and outlive the call.
    unsafe { syscall(__NR_rt_sigprocmask, arguments) }?;
    Ok(previous)
}

/// `rt_sigtimedwait(set, NULL, timeout)` — wait at most `timeout` until a blocked signal of the set is
/// pending, remove it from the pending ones, and return it.
///
/// With a timeout of zero, only checks. Blocks otherwise.
///
/// # Errors
/// - `EAGAIN`: no signal of the set was pending within the time.
/// - `EINTR`: a handler of another signal interrupted the wait.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.2.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use ns_sys::child::{SignalSet, rt_sigtimedwait};
/// use ns_sys::{Errno, Signal};
///
/// let set = SignalSet::EMPTY.with(Signal::USR1);
/// assert_eq!(rt_sigtimedwait(set, Duration::ZERO), Err(Errno::AGAIN));
/// ```
///
/// # References
/// rt_sigtimedwait(2); kernel/signal.c.
pub fn rt_sigtimedwait(set: SignalSet, timeout: Duration) -> Result<Signal> {
    // A `struct timespec`.
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
    let timeout = [seconds, timeout.subsec_nanos().into()];
    let arguments = [
        (&raw const set).expose_provenance(),
        0,
        (&raw const timeout).expose_provenance(),
        SIGSET_SIZE,
    ];
    // SAFETY: the set has the given size; it and the timespec outlive the call.
    let signal = unsafe { syscall(__NR_rt_sigtimedwait, arguments) }?;
    Signal::from_raw(signal as i32).ok_or(Errno::INVAL)
}

/// `rt_sigaction(signal, SIG_DFL)` — reset `signal` to its default disposition.
///
/// # Errors
/// - `EINVAL`: `signal` is `SIGKILL` or `SIGSTOP`, whose dispositions are fixed.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.2.
///
/// # References
/// rt_sigaction(2); kernel/signal.c.
pub fn rt_sigaction_default(signal: Signal) -> Result<()> {
    // SIG_DFL, no flags and an empty mask are all zeros.
    let default: Sigaction = [0; 4];
    let arguments =
        [signal.as_raw() as usize, ptr::from_ref(&default).expose_provenance(), 0, SIGSET_SIZE];
    // SAFETY: the struct is at least as large as the kernel reads, and outlives the call.
    unsafe { syscall(__NR_rt_sigaction, arguments) }.map(drop)
}

/// `rt_sigaction(signal)` — whether `signal` has a handler, and is neither ignored nor at its default
/// disposition.
///
/// # Errors
/// None that a caller can act on.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.2.
///
/// # Examples
/// ```
/// use ns_sys::Signal;
///
/// // Rust's runtime ignores it.
/// assert_eq!(ns_sys::child::rt_sigaction_is_handled(Signal::PIPE), Ok(false));
/// ```
///
/// # References
/// rt_sigaction(2); kernel/signal.c.
pub fn rt_sigaction_is_handled(signal: Signal) -> Result<bool> {
    let mut current: Sigaction = [0; 4];
    let arguments =
        [signal.as_raw() as usize, 0, (&raw mut current).expose_provenance(), SIGSET_SIZE];
    // SAFETY: the struct is at least as large as the kernel writes, and outlives the call.
    unsafe { syscall(__NR_rt_sigaction, arguments) }?;
    Ok(current[0] != DEFAULT && current[0] != IGNORED)
}
