//! clone3: its arguments, the kernel's rules for them, and the call.

mod args;
mod call;
mod rules;

pub use args::CloneArgs;
pub use call::{clone3, clone3_entry};
pub use rules::CloneRule;
