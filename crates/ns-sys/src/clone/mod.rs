//! clone3 and clone: the arguments, the kernel's rules for them, and the call.

mod args;
mod call;
mod older;
mod rules;

pub use args::CloneArgs;
pub use call::{clone3, clone3_entry};
pub use older::{clone, clone_entry};
pub use rules::CloneRule;
