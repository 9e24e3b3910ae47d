//! The plan of a new root and working directory, made by the parent.

mod describe;
mod describe_mount;
mod explain;
mod flag_names;
mod hints;
mod plan;
mod purpose;
mod settings;
mod workdir;

pub use explain::Explanation;
pub use plan::{OpenTrees, RootPlan};
pub use settings::Root;
pub use workdir::Workdir;
