//! A piece of the caller's own program in the namespaces of another process.

mod entry;
mod process;
mod thread;
mod unchecked;

pub use process::{SetnsProcess, setns_process, setns_process_fds};
pub use thread::{Setns, setns, setns_fds};

pub(crate) use entry::Entry;
