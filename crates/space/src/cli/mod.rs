//! The command line: verbs, options and operands.

use std::ffi::OsString;

use clap::Parser;

mod control;
mod deferred;
mod descriptors;
mod environment;
mod join;
mod keep;
mod limits;
mod maps;
mod mount_entry;
mod mount_list;
mod mounts;
mod namespaces;
mod number;
mod ordered;
mod parameters;
mod privileges;
mod program;
mod quick;
mod scheduling;
#[cfg(test)]
mod tests;
mod verbs;

pub(crate) use control::Control;
pub(crate) use deferred::Deferred;
pub(crate) use descriptors::Descriptors;
pub(crate) use environment::Environment;
pub(crate) use join::Join;
pub(crate) use keep::Kept;
pub(crate) use limits::{Limits, is_resource};
pub(crate) use maps::{Ids, Maps, RefusedMaps};
pub(crate) use mounts::Mounts;
pub(crate) use namespaces::{JoinedNamespaces, NewNamespaces, option_of_letter};
pub(crate) use ordered::Given;
pub(crate) use parameters::Parameters;
pub(crate) use privileges::Privileges;
pub(crate) use program::Program;
pub(crate) use scheduling::Scheduling;
pub use verbs::Cli;
pub(crate) use verbs::{Chroot, Execute, Filter, Inject, Listing, OfProcess, Start, Verb};

/// Parses a command line. The first word is the name of the command.
pub(crate) fn parse(words: &[OsString]) -> Result<Cli, clap::Error> {
    quick::parse(words).map_or_else(|| by_clap(words), Ok)
}

// Not inlined, because each page of a larger stack frame is a page fault, also for a line that needs no clap.
#[inline(never)]
fn by_clap(words: &[OsString]) -> Result<Cli, clap::Error> {
    join::without_process(Cli::try_parse_from(words), words)
}
