//! The plan of standard streams and other descriptors, made by the parent.

mod bytes;
mod descriptors;
mod error;
mod fifo;
mod moves;
mod open;
mod path;
mod placeholders;
mod plan;
mod ranges;
mod stdio;

pub use descriptors::Descriptors;
pub use error::FdError;
pub use plan::FdPlan;
pub use stdio::Stdio;
