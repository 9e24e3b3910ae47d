//! Mounts below a root: their settings, and the steps made from them.

mod compile;
mod dev;
mod overlay;
mod settings;

pub(crate) use compile::compile;
pub use settings::Mount;
