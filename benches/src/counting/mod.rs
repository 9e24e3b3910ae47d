//! Counts, which are exact where time is noisy.

mod allocations;
mod listener;
mod names;
mod system_calls;

pub use allocations::{Counting, allocations};
pub use system_calls::{Calls, calls_of, count_calls};
