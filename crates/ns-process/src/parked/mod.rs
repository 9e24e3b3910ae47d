//! Starts that stop before execve(2), and their release.
//!
//! A parked process is an ordinary start of another program, the gate of `start::gate`. To release
//! it, this process sends it a list of system calls that ends with the execve(2) of the planned
//! program, and waits for the mark and for the exec, or for the report of a failure.

mod answer;
mod by_gate;
mod call_list;
mod filter;
mod handle;
mod label;
mod listener;
mod lookup;
mod numbers;
mod park;
mod planned;
mod pool;
mod release_list;
mod report;
mod send;
mod streams;
#[cfg(test)]
mod tests;
mod waiting;

pub use by_gate::{release_at, release_at_timeout, release_by, release_by_timeout};
pub use handle::Parked;
#[cfg(feature = "tokio")]
pub(crate) use park::park;
pub use pool::{Pool, PoolStats};
