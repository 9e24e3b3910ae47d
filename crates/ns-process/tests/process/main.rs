//! The handle of a started process.

#[path = "../common/mod.rs"]
mod common;

mod blocked;
mod detach;
mod handle;
mod lifetime;
mod pid_reuse;
