//! Running a closure of the caller in namespaces of another process.

mod descriptors;
mod namespace_set;
mod process;
mod thread;
mod unchecked;

pub use process::{SetnsProcess, setns_process, setns_process_fds};
pub use thread::{Setns, setns, setns_fds};

pub(crate) use namespace_set::NamespaceSet;
