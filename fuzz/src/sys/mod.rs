//! Targets of `ns-sys`.

mod clone_args;
mod kernel;
mod namespace_text;

pub use clone_args::{CloneRequest, clone_args};
pub use namespace_text::{TEXTS, namespace_text};
