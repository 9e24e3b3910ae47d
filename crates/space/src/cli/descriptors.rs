//! Options that take the number of a descriptor.

use std::os::fd::RawFd;

use clap::Args;
use ns_process::{Builder, Stdio};

use crate::descriptor;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(next_help_heading = "Descriptors")]
pub(crate) struct Descriptors {
    /// Pass descriptor FD to the program, besides 0, 1 and 2; may be repeated
    #[arg(long, value_name = "FD", value_parser = descriptor::parse)]
    keep_fd: Vec<RawFd>,
    /// Insert the options that descriptor FD contains, each terminated by a NUL byte; may be repeated
    #[arg(long, value_name = "FD", value_parser = descriptor::parse)]
    args: Vec<RawFd>,
}

impl Descriptors {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        for number in &self.keep_fd {
            let copy = descriptor::duplicate(*number).map_err(|error| {
                Failure::Refused(format!("--keep-fd: descriptor {number}: {error}"))
            })?;
            builder.fd(*number, Stdio::fd(copy));
        }
        Ok(())
    }

    /// Whether there are options to insert.
    pub(crate) fn has_args(&self) -> bool {
        !self.args.is_empty()
    }
}
