//! Targets of `ns-idmap`.

mod compose;
mod extents;
mod kernel;
mod naive;
mod parse;
mod sleeper;
mod subid;
mod validate;

pub use compose::{Maps, compose};
pub use extents::Extents;
pub use kernel::{Written, kernel};
pub use parse::{TEXTS, parse};
pub use subid::{Delegated, subid};
pub use validate::validate;
