//! The command line: verbs, options and operands.

mod control;
mod descriptors;
mod environment;
mod limits;
mod maps;
mod mount_list;
mod mounts;
mod namespaces;
mod number;
mod ordered;
mod parameters;
mod privileges;
mod program;
mod verbs;

pub(crate) use control::Control;
pub(crate) use descriptors::Descriptors;
pub(crate) use environment::Environment;
pub(crate) use limits::Limits;
pub(crate) use maps::{Ids, Maps, RefusedMaps};
pub(crate) use mounts::Mounts;
pub(crate) use namespaces::{JoinedNamespaces, NewNamespaces};
pub(crate) use parameters::Parameters;
pub(crate) use privileges::Privileges;
pub(crate) use program::Program;
pub use verbs::Cli;
pub(crate) use verbs::{Chroot, Execute, Inject, Listing, Start, Verb};
