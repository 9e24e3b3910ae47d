#![doc = include_str!("../README.md")]
#![no_std]

pub mod apply;
mod propagation;
mod step;

pub use propagation::Propagation;
pub use step::{Step, StepError};
