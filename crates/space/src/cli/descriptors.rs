//! Options that take the number of a descriptor.

use std::os::fd::{OwnedFd, RawFd};

use clap::Args;
use ns_process::{Builder, Stdio};

use crate::descriptor;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(next_help_heading = "Descriptors")]
pub(crate) struct Descriptors {
    /// Pass descriptor FD to the program, besides 0, 1 and 2, or all; may be repeated
    #[arg(long, value_name = "FD", value_parser = kept)]
    keep_fd: Vec<KeptFd>,
    /// Execute the file of descriptor FD; PROGRAM is the name that it receives
    #[arg(long, value_name = "FD", value_parser = descriptor::parse)]
    exec_fd: Option<RawFd>,
    /// Insert the options that descriptor FD contains, each terminated by a NUL byte; may be repeated
    #[arg(long, value_name = "FD", value_parser = descriptor::parse)]
    args: Vec<RawFd>,
}

#[derive(Clone, Copy, Debug)]
enum KeptFd {
    All,
    One(RawFd),
}

fn kept(text: &str) -> Result<KeptFd, &'static str> {
    if text == "all" { Ok(KeptFd::All) } else { descriptor::parse(text).map(KeptFd::One) }
}

fn duplicate(option: &str, number: RawFd) -> Result<OwnedFd, Failure> {
    let copy = descriptor::duplicate(number);
    copy.map_err(|error| Failure::Refused(format!("{option}: descriptor {number}: {error}")))
}

impl Descriptors {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        for kept in &self.keep_fd {
            match kept {
                KeptFd::All => builder.close_fds(false),
                KeptFd::One(number) => {
                    builder.fd(*number, Stdio::fd(duplicate("--keep-fd", *number)?))
                }
            };
        }
        if let Some(number) = self.exec_fd {
            builder.program_fd(duplicate("--exec-fd", number)?);
        }
        Ok(())
    }

    /// Whether there are options to insert.
    pub(crate) fn has_args(&self) -> bool {
        !self.args.is_empty()
    }
}
