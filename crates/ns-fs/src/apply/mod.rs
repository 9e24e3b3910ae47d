//! What a child does between clone and exec: one function a step, nothing allocated, no text.
//!
//! Part of the fence: only `core`, `ns_sys` and this folder, so that every step may run in memory
//! shared with a program of many threads. Each may also be called from `pre_exec` of std's
//! `Command`, or by a process that changes itself.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod close_rest;
mod entries;
mod handle;
mod here;
mod mount_proc;
mod place_fds;
mod propagation;

use here::here;

pub use close_rest::{FdRange, close_rest};
pub use mount_proc::mount_proc;
pub use place_fds::{FdStep, place_fds};
pub use propagation::propagation;
