#![doc = include_str!("../README.md")]

mod builder;
mod engine;
mod errno;
mod error;
mod hint;
mod in_child;
mod plan;
mod process;
mod step;

pub use builder::{Builder, Container, kind};
pub use error::Error;
pub use plan::{Description, Plan};
pub use process::{Process, reap};
pub use step::{Side, Step};

pub use ns_sys::{CloneFlags, Errno, Namespace, NamespaceFlags, Signal};
