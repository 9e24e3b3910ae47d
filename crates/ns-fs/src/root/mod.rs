//! The plan of a new root and working directory, made by the parent.

mod describe;
mod plan;
mod workdir;

pub use plan::{Root, RootPlan};
pub use workdir::Workdir;
