//! Targets of `ns-fs`.

mod descriptors;
mod fd_plan;
mod fd_real;
mod model;
mod root_path;
mod tree;
mod universe;

pub use descriptors::Wish as Descriptors;
pub use fd_plan::fd_plan;
pub use fd_real::fd_real;
pub use root_path::{Hostile, root_path};
