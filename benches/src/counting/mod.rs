//! Counts of allocations and system calls, which are exact, unlike times.

mod allocations;
mod listener;
mod names;
mod system_calls;

pub use allocations::{CountingAllocator, allocations};
pub use system_calls::{Calls, calls_of, count_calls};
