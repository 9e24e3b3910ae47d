//! Tests that need no system call: names of flags, and the setters and rules of `CloneArgs`.

mod clone_args;
mod names;
