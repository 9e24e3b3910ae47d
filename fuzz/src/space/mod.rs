//! Targets of the command line.

mod cli;

pub use cli::{Typed, cli};
