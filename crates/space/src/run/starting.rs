//! A start that takes long: `space` can be told to end meanwhile.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::signals;

/// How long a start may go on after a signal. It takes less than a millisecond, unless something holds the
/// program up, and then passes the signal on.
const GRACE: Duration = Duration::from_millis(500);
const ROUND: Duration = Duration::from_millis(50);

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
        let Some(signal) = signals::pending_end() else { continue };
        waited += ROUND;
        if waited >= GRACE {
            signals::end_by(signal);
        }
    }
}
