#![doc = include_str!("../README.md")]

mod advice;
mod args_fd;
mod builders;
mod cli;
mod deadline;
mod descriptor;
mod doctor;
mod exit;
mod failure;
mod input;
mod list;
mod print;
mod proc;
mod run;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use clap::CommandFactory;

pub use cli::Cli;
use cli::{Deferred, Verb};
use run::Runner;

/// Parses a command line. The first argument is the name of the command, as in `argv`.
///
/// ```
/// let cli = space::parse(["space", "execute", "--all", "ls", "--all"])?;
/// assert_eq!(cli.argv(), ["ls", "--all"]);
/// # Ok::<(), clap::Error>(())
/// ```
///
/// # Errors
/// The command line is invalid, or requests help or the version.
pub fn parse<Arg: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = Arg>,
) -> Result<Cli, clap::Error> {
    let words: Vec<_> = args.into_iter().map(Into::into).collect();
    cli::parse(&words)
}

/// Returns the description of the command, from which completions and manual pages are generated.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the whole command: parses the command line, executes the verb, and returns the exit status.
///
/// This function changes signal dispositions and the signal mask of the process. Call it only in a process that does
/// nothing else.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let begin = Instant::now();
    run::reset_sigpipe();
    run::handle_as_process_1();
    let mut words: Vec<_> = args.into_iter().collect();
    // Only the words of `--args` can make a valid command line invalid.
    let mut source = String::new();
    loop {
        let cli = match parse(&words) {
            Ok(cli) => cli,
            Err(error) => return usage::report(&error, &words, &source),
        };
        // Both hold while input is read.
        deadline::set(begin, cli.timeout());
        if cli.dies_with_parent() {
            run::die_with_parent();
        }
        // Each descriptor is read once: it is at its end afterwards, so this terminates.
        match args_fd::expand(&cli, &words) {
            Ok(Some(expanded)) => {
                source = args_fd::label(&cli);
                words = expanded;
            }
            Ok(None) => return dispatch(&cli, &words),
            Err(message) => {
                return run::refuse(&cli, message);
            }
        }
    }
}

fn dispatch(Cli { verb, verbose }: &Cli, words: &[OsString]) -> ExitCode {
    match verb {
        Verb::Execute(Deferred(verb)) => {
            Runner::new(verb, *verbose, words).keeping(&verb.kept).run(verb.builder())
        }
        Verb::Chroot(Deferred(verb)) => {
            Runner::new(verb, *verbose, words).keeping(&verb.kept).run(verb.builder())
        }
        Verb::Inject(Deferred(verb)) => {
            Runner::new(verb, *verbose, words).inject(verb.builder(), &verb.target)
        }
        Verb::Join(verb) => {
            let runner = Runner::new(verb, *verbose, words);
            runner.joining_pid(verb.namespaces.has_pid_file()).run(verb.builder())
        }
        Verb::List(Deferred(filter)) => list::run(filter),
        Verb::Doctor(Deferred(listing)) => doctor::run(listing),
    }
}
