//! Lets a signal terminate `space` during a start that takes long.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::signals;
use super::timer::{Check, Timer};

/// The interval between two checks for a pending signal.
const INTERVAL: Duration = Duration::from_millis(50);
/// The number of checks during which a start may continue after a signal, half a second. A start normally takes less
/// than a millisecond; if it succeeds within this time, the signal is forwarded to the program.
const GRACE: u32 = 10;

/// The number of checks that found a pending signal.
static FOUND: AtomicU32 = AtomicU32::new(0);

/// Calls `start` with signals blocked.
///
/// A signal that would terminate `space` does so if `start` does not return within [`GRACE`]; otherwise it is handled
/// afterwards. A program that has not been executed by then is never executed.
///
/// The checks are those of a timer, because a thread for them takes as long as a third of the start.
pub(super) fn interruptible<T>(start: impl FnOnce() -> T) -> T {
    // If there is no timer, only this interruption is lost.
    let timer = Timer::start::<PendingSignal>(INTERVAL);
    let started = start();
    drop(timer);
    started
}

struct PendingSignal;

impl Check for PendingSignal {
    fn check() {
        if let Some(signal) = signals::pending_termination() {
            if FOUND.fetch_add(1, Ordering::Relaxed) + 1 >= GRACE {
                signals::terminate_by(signal);
            }
        }
    }
}
