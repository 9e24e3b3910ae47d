//! Targets of `ns-idmap`.

mod compose;
mod extents;
mod invalid_target;
mod kernel;
mod naive;
mod parse;
mod privilege;
mod sleeper;
mod subid;
mod text;
mod validate;

pub use compose::{Maps, compose};
pub use extents::Extents;
pub use invalid_target::InvalidTarget;
pub use kernel::{WriteCase, kernel};
pub use parse::parse;
pub use privilege::Privilege;
pub use subid::{Delegated, subid};
pub use text::{TEXTS, Text};
pub use validate::validate;
