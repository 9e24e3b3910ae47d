//! The ways to write a map: `plan` chooses one from the facts in `writer`, `direct` and `helper` write
//! the map, `install` does both, and `refusal` explains a failed write.

mod direct;
mod helper;
mod helper_process;
mod install;
mod plan;
mod refusal;
mod writer;

pub use helper::Helper;
pub use plan::WritePlan;
pub use writer::{Capabilities, Writer};
