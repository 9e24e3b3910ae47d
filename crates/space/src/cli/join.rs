//! `inject` without a process: every namespace to join is a file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Error, Parser, Subcommand};

use super::{
    Cli, Deferred, Ids, Inject, JoinedNamespaces, OfProcess, Program, RefusedMaps, Start, Verb,
};
use crate::print::one_line;

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
    pub(crate) maps: RefusedMaps,
    #[command(flatten)]
    pub(crate) ids: Ids,
    #[command(flatten)]
    of_process: OfProcess,
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
    let Ok(JoinCli { verbose, verb: JoinVerb::Inject(join) }) = JoinCli::try_parse_from(words)
    else {
        return first;
    };
    if is_number(join.start.argv.program()) {
        return first;
    }
    match needs_process(&join) {
        None => Ok(Cli { verbose, verb: Verb::Join(join) }),
        // The message about the process ID follows.
        Some(_) if first.is_ok() && !join.namespaces.have_files() => first,
        Some(reason) => Err(Cli::command().error(ErrorKind::MissingRequiredArgument, reason)),
    }
}

/// Returns why the command line needs a process ID, if it does.
fn needs_process(join: &Join) -> Option<String> {
    if !join.namespaces.have_files() {
        let program = join.start.argv.program();
        let name = one_line(&program.to_string_lossy());
        return Some(format!(
            "PID: {program:?} is not a process ID; write space inject PID {name}"
        ));
    }
    let of_process = join.of_process.given().map(|option| format!("{option} needs a PID"));
    join.namespaces.needs_process().or(of_process)
}

fn is_number(word: &std::ffi::OsStr) -> bool {
    word.as_encoded_bytes().iter().all(u8::is_ascii_digit)
}
