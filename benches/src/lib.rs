//! Common parts of the measurements: the started program, the measured subjects, and the references.

pub mod by_hand;
pub mod counting;
pub mod floor;
pub mod forked;
pub mod helper;
pub mod machine;
pub mod memory;
pub mod pairs;
#[cfg(feature = "peers")]
pub mod peers;
pub mod starters;
pub mod subjects;

/// Runs the examples in the README of the repository, because this crate depends on every layer.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The path of `tiny`, a static program that exits at once with status 0.
pub const TINY: &str = env!("TINY");

/// A root directory with `tiny` and an empty directory `proc`.
pub const TINY_ROOT: &str = env!("TINY_ROOT");
