//! Targets of `ns-sys`.

mod ask;
mod clone_args;
mod namespace_text;

pub use clone_args::{CloneWish, clone_args};
pub use namespace_text::{TEXTS, namespace_text};
