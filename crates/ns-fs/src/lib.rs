#![doc = include_str!("../README.md")]
// What allocates has to be imported where it is used, so that it cannot slip into `apply`.
#![no_std]

extern crate std;

pub mod apply;
mod describe;
mod fds;
mod file_bind;
mod mount;
mod propagation;
mod root;
mod step;

pub use describe::Description;
pub use fds::{Descriptors, FdError, FdPlan, Stdio};
pub use file_bind::{BindError, bind_file, unbind_file};
pub use mount::Mount;
pub use propagation::Propagation;
pub use root::{Root, RootError, RootPlan, Workdir};
pub use step::{Step, StepError};
