//! The handle of a started process.

#[path = "../common/mod.rs"]
mod common;

mod handle;
mod held_up;
mod lifetime;
mod pid_reuse;
