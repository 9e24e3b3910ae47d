//! A timer that interrupts the thread: SIGALRM with a handler.
#![allow(
    unsafe_code,
    reason = "sigaction(2), setitimer(2) and the signal mask, which rustix lacks"
)]

use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// Calls a handler at intervals until it is dropped.
pub(super) struct Alarm {
    old_action: libc::sigaction,
    old_mask: libc::sigset_t,
}

impl Alarm {
    /// Starts the timer, if the kernel allows it.
    ///
    /// # Safety
    /// `handler` makes only calls that signal-safety(7) allows. The process has no other use for SIGALRM meanwhile.
    pub(super) unsafe fn start(
        interval: Duration,
        handler: extern "C" fn(libc::c_int),
    ) -> Option<Self> {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: a struct of integers and an optional function pointer may be zero.
        let action = unsafe { action.assume_init_mut() };
        action.sa_sigaction = handler as *const () as usize;
        // Interrupted system calls of the start continue.
        action.sa_flags = libc::SA_RESTART;
        let mut old_action = MaybeUninit::uninit();
        // SAFETY: `action` is initialised, the other pointer is valid for a write of the whole struct, and the caller
        // keeps the handler safe.
        if unsafe { libc::sigaction(libc::SIGALRM, action, old_action.as_mut_ptr()) } != 0 {
            return None;
        }
        let mut set = MaybeUninit::uninit();
        // SAFETY: the pointer is valid for a write of a whole set.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: sigemptyset has written the set.
        unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGALRM) };
        let mut old_mask = MaybeUninit::uninit();
        // SAFETY: the set is initialised, and the other pointer is valid for a write of a whole set.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), old_mask.as_mut_ptr()) };
        // SAFETY: sigaction has succeeded, so it has written the struct.
        let old_action = unsafe { old_action.assume_init() };
        // SAFETY: pthread_sigmask fails only if its first argument is invalid.
        let old_mask = unsafe { old_mask.assume_init() };
        set_timer(interval);
        Some(Self { old_action, old_mask })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        set_timer(Duration::ZERO);
        // SAFETY: the mask is that of `start`, and a null pointer requests no old mask.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.old_mask, ptr::null_mut())
        };
        // SAFETY: the action is that of `start`, and a null pointer requests no old action.
        unsafe { libc::sigaction(libc::SIGALRM, &raw const self.old_action, ptr::null_mut()) };
    }
}

/// Sets the interval of the timer, at most a second; zero stops it.
fn set_timer(interval: Duration) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: interval.subsec_micros().into() };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: `timer` is initialised, and a null pointer requests no old value.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
}
