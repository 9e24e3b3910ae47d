//! The time at which `--timeout` expires. It holds for the whole command, which may wait for input before the start.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

static DEADLINE: Mutex<Option<Instant>> = Mutex::new(None);

/// Sets the time: `limit` after `begin`, the begin of the command.
pub(crate) fn set(begin: Instant, limit: Option<Duration>) {
    let deadline = limit.and_then(|limit| begin.checked_add(limit));
    *DEADLINE.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
}

pub(crate) fn get() -> Option<Instant> {
    *DEADLINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the time that is left, if there is a limit.
pub(crate) fn left() -> Option<Duration> {
    Some(get()?.saturating_duration_since(Instant::now()))
}

pub(crate) fn has_expired() -> bool {
    left() == Some(Duration::ZERO)
}
