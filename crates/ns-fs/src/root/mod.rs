//! The plan of a new root and working directory, made by the parent.

mod describe;
mod plan;
mod settings;
mod workdir;

pub use plan::RootPlan;
pub use settings::Root;
pub use workdir::Workdir;
