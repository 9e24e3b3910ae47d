//! Attacks on the memory and the descriptors of the caller.

#[path = "../common/mod.rs"]
mod common;

mod attack_window;
mod hostile_target;
mod same_user;
