//! Many starts, with signals, failing system calls and callers that are killed.

#[path = "../common/mod.rs"]
mod common;

mod early_death;
mod faults;
mod judge;
mod many_starts;
mod orphans;
mod pool;
