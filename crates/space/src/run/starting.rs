//! Lets a signal terminate `space` during a start that takes long.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::signals;

/// How long a start may continue after a signal. A start normally takes less than a millisecond; if it succeeds within
/// this time, the signal is forwarded to the program.
const GRACE: Duration = Duration::from_millis(500);
/// The interval between two checks for a pending signal.
const INTERVAL: Duration = Duration::from_millis(50);

/// Calls `start` with signals blocked.
///
/// A signal that would terminate `space` does so if `start` does not return within [`GRACE`]; otherwise it is handled
/// afterwards. A program that has not been executed by then is never executed.
pub(super) fn interruptible<T>(start: impl FnOnce() -> T) -> T {
    let (done, is_done) = channel();
    thread::scope(|scope| {
        // If no thread can be created, only this interruption is lost.
        let _ = thread::Builder::new().spawn_scoped(scope, move || watch(&is_done));
        let started = start();
        drop(done);
        started
    })
}

fn watch(is_done: &Receiver<()>) {
    let mut waited = Duration::ZERO;
    while is_done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
        let Some(signal) = signals::pending_termination() else { continue };
        waited += INTERVAL;
        if waited >= GRACE {
            signals::terminate_by(signal);
        }
    }
}
