//! What every measurement uses: the target, and ratios of what runs side by side.

pub mod floor;
pub mod helper;
mod ratio;

pub use ratio::median;

/// The front page's examples are run here, because this crate sees every layer.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;

/// A static program that exits with 0 at once.
pub const TINY: &str = env!("TINY");
