//! A start that takes long: `space` can be told to end meanwhile.
#![allow(unsafe_code, reason = "the mask and the default action, which rustix lacks")]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ns_process::Signal;

/// How long a start may go on after a signal. It takes less than a millisecond, unless something holds the
/// program up, and then passes the signal on.
const GRACE: Duration = Duration::from_millis(500);
const ROUND: Duration = Duration::from_millis(50);

/// What ends `space` by default.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// Runs `start`, with the signals blocked. If one comes that would end `space`, and the start does not return
/// soon, `space` ends by it. No program is left behind: one that is not executed by then never is.
pub(super) fn interruptible<T>(start: impl FnOnce() -> T) -> T {
    let (done, is_done) = channel();
    thread::scope(|scope| {
        // Without a thread there is nothing lost but this.
        let _ = thread::Builder::new().spawn_scoped(scope, move || watch(&is_done));
        let started = start();
        drop(done);
        started
    })
}

fn watch(is_done: &Receiver<()>) {
    let mut waited = Duration::ZERO;
    while is_done.recv_timeout(ROUND) == Err(RecvTimeoutError::Timeout) {
        let Some(signal) = pending() else { continue };
        waited += ROUND;
        if waited >= GRACE {
            end_by(signal);
        }
    }
}

/// The first of them that waits for this process.
fn pending() -> Option<Signal> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: writes the whole set.
    if unsafe { libc::sigpending(set.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: written just now.
    let set = unsafe { set.assume_init() };
    let waits = |signal: &Signal| {
        // SAFETY: reads the set.
        let is_member = unsafe { libc::sigismember(&raw const set, signal.as_raw()) };
        is_member == 1 && !is_ignored(*signal)
    };
    ENDING.into_iter().find(waits)
}

/// Whether the caller wants it ignored, as nohup(1) does.
fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: changes nothing, and writes the whole struct.
    if unsafe { libc::sigaction(signal.as_raw(), ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: written just now.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Lets it come, which does not return: nothing handles or ignores it.
fn end_by(signal: Signal) {
    let mut one = MaybeUninit::uninit();
    // SAFETY: writes the whole set.
    unsafe { libc::sigemptyset(one.as_mut_ptr()) };
    // SAFETY: changes the set alone, which was written just now.
    unsafe { libc::sigaddset(one.as_mut_ptr(), signal.as_raw()) };
    // SAFETY: reads the set.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, one.as_ptr(), ptr::null_mut()) };
}
