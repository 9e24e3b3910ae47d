//! Niceness that every user may set.

use rustix::process::getpriority_process;

/// The niceness of this process plus `by`, at most 19.
///
/// A fixed value could be lower than the present niceness, which needs privilege.
///
/// # Panics
/// getpriority(2) fails.
pub fn nicer(by: i32) -> i32 {
    (getpriority_process(None).expect("getpriority") + by).min(19)
}
