//! Targets of `ns-fs`.

mod descriptors;
mod fd_plan;
mod fd_real;
mod isolated_fs;
mod model;
mod mounts;
mod root_path;
mod tree;

pub use descriptors::DescriptorCase;
pub use fd_plan::fd_plan;
pub use fd_real::fd_real;
pub use mounts::{HostileMounts, mounts};
pub use root_path::{HostileRoot, root_path};
