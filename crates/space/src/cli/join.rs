//! `inject` without a process: every namespace to join is a file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Error, Parser, Subcommand};

use super::{Cli, Deferred, Ids, Inject, JoinedNamespaces, Program, Start, Verb};

/// The command line without PID.
#[derive(Debug, Parser)]
#[command(name = "space", args_override_self = true, disable_help_subcommand = true)]
struct JoinCli {
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    verb: JoinVerb,
}

#[derive(Debug, Subcommand)]
enum JoinVerb {
    #[command(alias = "enter")]
    Inject(Join),
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    #[command(flatten)]
    pub(crate) namespaces: JoinedNamespaces,
    #[command(flatten)]
    pub(crate) ids: Ids,
    #[arg(long, value_name = "DIR", help_heading = Program::HEADING)]
    pub(crate) rootdir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// Parses again without PID if that is what the command line means: `inject --net=FILE PROGRAM`.
///
/// The first word after the options is the program if it is not a number and if files select all namespaces.
pub(super) fn without_process(first: Result<Cli, Error>, words: &[OsString]) -> Result<Cli, Error> {
    let is_other = match &first {
        Ok(Cli { verb: Verb::Inject(Deferred(Inject { target, .. })), .. }) => {
            is_number(target.as_ref())
        }
        Ok(_) => true,
        Err(error) => !error.use_stderr(),
    };
    if is_other {
        return first;
    }
    match JoinCli::try_parse_from(words) {
        Ok(JoinCli { verbose, verb: JoinVerb::Inject(join) })
            if join.namespaces.are_files() && !is_number(join.start.argv.program()) =>
        {
            Ok(Cli { verbose, verb: Verb::Join(join) })
        }
        _ => first,
    }
}

fn is_number(word: &std::ffi::OsStr) -> bool {
    word.as_encoded_bytes().iter().all(u8::is_ascii_digit)
}
