//! A piece of the caller's own program in the namespaces of another process.

mod entry;
mod thread;

pub use thread::{Setns, setns, setns_fds};

pub(crate) use entry::Entry;
