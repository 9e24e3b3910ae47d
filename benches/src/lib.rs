//! What every measurement uses: the target, what is measured, and what it is measured against.

pub mod by_hand;
pub mod copies;
pub mod counting;
pub mod floor;
pub mod helper;
pub mod machine;
pub mod memory;
pub mod pairs;
#[cfg(feature = "peers")]
pub mod peers;
pub mod starters;
pub mod subjects;

/// The front page's examples are run here, because this crate sees every layer.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;

/// A static program that exits with 0 at once.
pub const TINY: &str = env!("TINY");

/// A directory that holds `tiny` and an empty `proc`, to be a root.
pub const TINY_ROOT: &str = env!("TINY_ROOT");
