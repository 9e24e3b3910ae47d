//! The handle of a started process.

#[path = "../common/mod.rs"]
mod common;

mod blocked;
mod detach;
mod handle;
mod input;
mod lifetime;
mod output_limits;
mod pid_reuse;
mod tree;
mod usage;
