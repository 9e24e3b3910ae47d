//! What every measurement uses: the target, and ratios of what runs side by side.

pub mod floor;
pub mod gates;
pub mod helper;
pub mod peers;
mod ratio;

pub use ratio::median;

/// The front page's examples are run here, because this crate sees every layer.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;

/// A static program that exits with 0 at once.
pub const TINY: &str = env!("TINY");

/// A directory that holds `tiny` and an empty `proc`, to be a root.
pub const TINY_ROOT: &str = env!("TINY_ROOT");
