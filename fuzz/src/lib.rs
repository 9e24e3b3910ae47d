//! The bodies of the fuzz targets, one module a layer, one file a target; each names its oracle.
//!
//! A body takes one input and panics where the crate and the oracle disagree. What an input looks
//! like is told once, by `Arbitrary`: libFuzzer, the replay of the corpus and the property tests all
//! make inputs from bytes, and by the same way. [`TARGETS`] has them all.

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
