//! Targets of `space`.

mod cli;

pub use cli::{CommandLine, cli};
