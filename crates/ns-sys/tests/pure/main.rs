//! Tests that need no system call: names of flags, setters and rules of `CloneArgs`, and signals.

mod clone_args;
mod names;
mod signal;
