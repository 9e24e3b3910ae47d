//! A timer that interrupts the thread: timer_create(2) with a handler.
//!
//! The interval timer of setitimer(2) would be shorter, but it belongs to the caller, who may have set it before exec.
#![allow(unsafe_code, reason = "timers and signal handlers, which rustix lacks")]

use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ns_process::Signal;
use ns_sys::child::{SignalSet, rt_sigprocmask};

use super::signals;

/// The signals that the timer may use, with SIGRTMAX first and without those that libc reserves. Real-time signals are
/// queued, so one that another process sends is not lost.
const SIGNALS: RangeInclusive<libc::c_int> = 35..=64;

/// How often another process has sent the signal.
static OTHERS: AtomicU32 = AtomicU32::new(0);

/// What the timer calls.
pub(super) trait Check {
    /// Makes only calls that signal-safety(7) allows.
    fn check();
}

/// Calls a function at intervals until it is dropped. There is one timer at a time.
pub(super) struct Timer {
    id: libc::c_int,
    signal: Signal,
    old_action: libc::sigaction,
    old_mask: SignalSet,
}

impl Timer {
    /// Starts the timer, if the kernel allows it.
    ///
    /// The program inherits which signals are ignored, so the timer does not handle one of them.
    pub(super) fn start<Called: Check>(interval: Duration) -> Option<Self> {
        let mut candidates = SIGNALS.rev().filter_map(Signal::from_raw);
        let signal = candidates.find(|signal| !signals::is_ignored(*signal))?;
        let id = create(signal)?;
        let Some(old_action) = handle_signal::<Called>(signal) else {
            delete(id);
            return None;
        };
        let old_mask = signals::unblock(signal).unwrap_or_default();
        set(id, interval);
        Some(Self { id, signal, old_action, old_mask })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        delete(self.id);
        let _ = rt_sigprocmask(self.old_mask);
        let signal = self.signal.as_raw();
        // SAFETY: the action is that of `start`, and a null pointer requests no old action.
        unsafe { libc::sigaction(signal, &raw const self.old_action, ptr::null_mut()) };
        // The signal is blocked again, if `space` blocks signals.
        for _ in 0..OTHERS.swap(0, Ordering::Relaxed) {
            // SAFETY: raise takes no pointer.
            unsafe { libc::raise(signal) };
        }
    }
}

/// The handler. `info`: from timer_create(2), or from another process.
extern "C" fn handle<Called: Check>(
    _signal: libc::c_int,
    info: *const libc::siginfo_t,
    _context: *const libc::c_void,
) {
    // SAFETY: the kernel passes a valid struct to a handler with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    if code == libc::SI_TIMER {
        Called::check();
    } else {
        OTHERS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Installs the handler, and returns the previous action.
fn handle_signal<Called: Check>(signal: Signal) -> Option<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a struct of integers and an optional function pointer may be zero.
    let action = unsafe { action.assume_init_mut() };
    action.sa_sigaction = handle::<Called> as *const () as usize;
    // Interrupted system calls of the start continue.
    action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO;
    let mut old = MaybeUninit::uninit();
    // SAFETY: `action` is initialised, and the other pointer is valid for a write of the whole struct. The handler
    // makes atomic operations and what `Called` keeps signal-safe.
    let result = unsafe { libc::sigaction(signal.as_raw(), action, old.as_mut_ptr()) };
    // SAFETY: sigaction has succeeded, so it has written the struct.
    (result == 0).then(|| unsafe { old.assume_init() })
}

/// Creates a timer that is not running.
fn create(signal: Signal) -> Option<libc::c_int> {
    let mut event = MaybeUninit::<libc::sigevent>::zeroed();
    // SAFETY: a struct of integers and an unused pointer may be zero.
    let event = unsafe { event.assume_init_mut() };
    event.sigev_notify = libc::SIGEV_SIGNAL;
    event.sigev_signo = signal.as_raw();
    let mut id = 0;
    let (event, clock) = (ptr::from_mut(event), libc::CLOCK_MONOTONIC);
    // SAFETY: the event is initialised, and the last pointer is valid for a write of the kernel's int.
    let result = unsafe { libc::syscall(libc::SYS_timer_create, clock, event, &raw mut id) };
    (result == 0).then_some(id)
}

fn set(id: libc::c_int, interval: Duration) {
    // The kernel's `struct itimerspec`: seconds and nanoseconds of the interval and of the first expiry.
    let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
    let nanoseconds = i64::from(interval.subsec_nanos());
    let times = [seconds, nanoseconds, seconds, nanoseconds];
    let (no_flags, no_old) = (0, ptr::null_mut::<i64>());
    // SAFETY: `times` has the size of the struct and outlives the call, and a null pointer requests no old times.
    unsafe { libc::syscall(libc::SYS_timer_settime, id, no_flags, times.as_ptr(), no_old) };
}

fn delete(id: libc::c_int) {
    // SAFETY: the call takes no pointer.
    unsafe { libc::syscall(libc::SYS_timer_delete, id) };
}
