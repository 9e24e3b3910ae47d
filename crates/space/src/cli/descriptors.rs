//! Options that take the number of a descriptor.

use std::ffi::OsString;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use clap::Args;
use ns_process::{Builder, Stdio};

use super::quick::{Quick, Words, add, once};
use crate::descriptor;
use crate::failure::Failure;

#[derive(Debug, Default, Args)]
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
    copy.map_err(|error| {
        let reason = descriptor::reason(number, &error);
        Failure::Refused(format!("{option}: descriptor {number}: {reason}"))
    })
}

impl Descriptors {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        for kept in &self.keep_fd {
            match kept {
                KeptFd::All => builder.close_fds(false),
                // The options for streams apply to these.
                KeptFd::One(0..=2) => builder,
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

    /// Returns a descriptor of the caller that an argument of the program names, as `/dev/fd/63` of a shell's `<(…)`
    /// does, and that the program does not get.
    pub(crate) fn missing(&self, arguments: &[OsString]) -> Option<RawFd> {
        let named = |word: &OsString| {
            let number = ["/dev/fd/", "/proc/self/fd/"]
                .iter()
                .find_map(|directory| word.as_bytes().strip_prefix(directory.as_bytes()))?;
            std::str::from_utf8(number).ok()?.parse().ok()
        };
        let mut named = arguments.iter().filter_map(named);
        named.find(|number| {
            *number > 2 && !self.keeps(*number) && descriptor::duplicate(*number).is_ok()
        })
    }

    fn keeps(&self, number: RawFd) -> bool {
        self.keep_fd.iter().any(|kept| match kept {
            KeptFd::All => true,
            KeptFd::One(kept) => *kept == number,
        })
    }

    /// Returns the descriptors that contain options to insert.
    pub(crate) fn args(&self) -> &[RawFd] {
        &self.args
    }
}

impl Quick for Descriptors {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "keep-fd" => add(&mut self.keep_fd, words.parsed(kept)),
            "exec-fd" => once(&mut self.exec_fd, words.parsed(descriptor::parse)),
            "args" => add(&mut self.args, words.parsed(descriptor::parse)),
            _ => None,
        }
    }
}
