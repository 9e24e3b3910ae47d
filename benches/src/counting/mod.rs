//! Counts of system calls, which are exact, unlike times.

mod listener;
mod names;
mod system_calls;

pub use system_calls::{Calls, calls_of, count_calls};
