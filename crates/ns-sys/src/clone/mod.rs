//! clone3(2) and clone(2): the arguments, the kernel's rules for them, and the calls.

mod args;
mod clone3;
mod legacy;
mod pidfd;
mod rules;

pub use args::CloneArgs;
pub use clone3::{clone3, clone3_entry};
pub use legacy::{clone, clone_entry};
pub use pidfd::{clone3_entry_pidfd, clone3_pidfd};
pub use rules::CloneRule;
