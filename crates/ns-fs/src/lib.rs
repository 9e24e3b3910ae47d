#![doc = include_str!("../README.md")]
// What allocates has to be imported where it is used, so that it cannot slip into `apply`.
#![no_std]

extern crate std;

pub mod apply;
mod describe;
mod fds;
mod propagation;
mod step;

pub use describe::Description;
pub use fds::{Descriptors, FdError, FdPlan, Stdio};
pub use propagation::Propagation;
pub use step::{Step, StepError};
