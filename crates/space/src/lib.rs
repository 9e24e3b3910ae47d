#![doc = include_str!("../README.md")]

mod builders;
mod cli;
mod doctor;
mod exit;
mod failure;
mod list;
mod print;
mod run;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use cli::Cli;
use cli::Verb;
use run::Manner;

/// Reads a command line, the program's own name first.
///
/// ```
/// let cli = space::parse(["space", "execute", "--all", "ls", "--all"])?;
/// assert_eq!(cli.argv(), ["ls", "--all"]);
/// # Ok::<(), clap::Error>(())
/// ```
///
/// # Errors
/// What was typed is not a command line of `space`, or asks for help.
pub fn parse<Arg: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = Arg>,
) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args)
}

/// Its description, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The whole command: reads the line, does what it says, and gives the exit status.
///
/// It changes dispositions and the mask of signals, and is not meant for a program that does other
/// things besides.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run::broken_pipes_end_us();
    match parse(args) {
        Ok(cli) => obey(&cli),
        Err(error) => usage::explain(&error),
    }
}

fn obey(Cli { verb, verbose }: &Cli) -> ExitCode {
    match verb {
        Verb::Execute(verb) => Manner::of(&verb.start, *verbose).run(Ok(verb.builder())),
        Verb::Chroot(verb) => Manner::of(&verb.start, *verbose).run(Ok(verb.builder())),
        Verb::Inject(verb) => Manner::of(&verb.start, *verbose).run(verb.builder()),
        Verb::List(listing) => list::run(listing),
        Verb::Doctor(listing) => doctor::run(listing),
    }
}
