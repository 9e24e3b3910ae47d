//! The bodies of the fuzz targets: one module per layer, one file per target.
//!
//! A body takes one input and panics if the crate and the oracle disagree. libFuzzer, the replay of the corpus and the
//! property tests all make inputs from bytes, by the same `Arbitrary` implementations. [`TARGETS`] lists the targets.

pub mod fs;
pub mod idmap;
mod noise;
pub mod process;
pub mod sandbox;
mod soak;
pub mod space;
pub mod sys;
mod target;

pub use noise::noise;
pub use soak::{Soak, soak};
pub use target::{TARGETS, Target, named};
