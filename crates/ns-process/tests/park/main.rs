//! Starts that stop before execve(2), and their release.

#[path = "../common/mod.rs"]
mod common;
mod support;

mod caller_gone;
mod changed;
mod connections;
mod exec_errors;
mod file_attacks;
mod filters;
mod kinds;
mod lookup;
mod lookup_answers;
mod own_memory;
mod payload_files;
mod payload_places;
mod payload_random;
mod payloads;
mod refused;
mod released_twice;
mod same_state;
mod setters;
mod signals;
mod state_print;
