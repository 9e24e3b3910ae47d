//! Niceness that every user may take.

use rustix::process::getpriority_process;

/// The niceness of this process and `by` more, as far as there is more.
///
/// A number by itself may be lower than that, and so refused.
///
/// # Panics
/// Without `getpriority`.
pub fn nicer(by: i32) -> i32 {
    (getpriority_process(None).expect("getpriority") + by).min(19)
}
