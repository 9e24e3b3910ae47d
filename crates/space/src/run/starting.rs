//! Lets a signal terminate `space` during a start that takes long.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use ns_process::Signal;
use rustix::process::{Pid, kill_process};

use super::signals;
use super::timer::{Check, Timer};

/// The interval between two checks for a pending signal.
const INTERVAL: Duration = Duration::from_millis(50);
/// The number of checks during which a start may continue after a signal, half a second. A start normally takes less
/// than a millisecond; if it succeeds within this time, the signal is forwarded to the program.
const GRACE: u32 = 10;

/// The number of checks that found a pending signal.
static FOUND: AtomicU32 = AtomicU32::new(0);

/// The child of a start that leaves something if `space` is terminated; otherwise 0.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// The signal for which the child was killed; otherwise 0.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Lets a signal kill the child of this start first, so that the start returns and can be undone.
pub(super) fn kill_first(child: u32) {
    CHILD.store(child.try_into().unwrap_or(0), Ordering::Relaxed);
}

/// Calls `start` with signals blocked.
///
/// A signal that would terminate `space` does so if `start` does not return within [`GRACE`]; otherwise it is handled
/// afterwards. A program that has not been executed by then is never executed. `undo` is called before `space` is
/// terminated, if the child could be killed.
///
/// The checks are those of a timer, because a thread for them takes as long as a third of the start.
pub(super) fn interruptible<T>(start: impl FnOnce() -> T, undo: impl FnOnce()) -> T {
    // If there is no timer, only this interruption is lost.
    let timer = Timer::start::<PendingSignal>(INTERVAL);
    let started = start();
    drop(timer);
    if let Some(signal) = Signal::from_raw(SIGNAL.load(Ordering::Relaxed)) {
        undo();
        signals::terminate_by(signal);
    }
    started
}

struct PendingSignal;

impl Check for PendingSignal {
    fn check() {
        let Some(signal) = signals::pending_termination() else { return };
        let found = FOUND.fetch_add(1, Ordering::Relaxed) + 1;
        if found < GRACE {
            return;
        }
        match Pid::from_raw(CHILD.load(Ordering::Relaxed)) {
            // A child that cannot be killed does not keep `space`.
            Some(child) if found < 2 * GRACE => {
                SIGNAL.store(signal.as_raw(), Ordering::Relaxed);
                let _ = kill_process(child, rustix::process::Signal::KILL);
            }
            _ => signals::terminate_by(signal),
        }
    }
}
