//! Options for `space` itself: time limit, daemon, output.

use std::time::Duration;

use clap::Args;

use super::quick::{Quick, Words, flag, once};

#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option")]
#[command(next_help_heading = "Control")]
pub(crate) struct Control {
    /// Terminate the program after SECS seconds: send SIGTERM, and 2 seconds later SIGKILL; then kill all processes
    /// that it has started; SECS may have a fraction
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Run the program as a daemon and exit; its standard streams are /dev/null unless redirected
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) daemonize: bool,
    /// Run the program in a new session, without the terminal
    #[arg(long)]
    pub(crate) new_session: bool,
    /// Kill the program also when the process that started space exits
    #[arg(long, conflicts_with = "daemonize")]
    pub(crate) die_with_parent: bool,
    /// Use NAME as a label in error messages and in the output of --json
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print the system calls that would be made, one per line, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the outcome, also an error, as one JSON object on stderr
    #[arg(long)]
    pub(crate) json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let duration = Duration::try_from_secs_f64(number).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(duration) }
}

impl Quick for Control {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "timeout" => once(&mut self.timeout, words.parsed(seconds)),
            "daemonize" => flag(&mut self.daemonize),
            "new-session" => flag(&mut self.new_session),
            "die-with-parent" => flag(&mut self.die_with_parent),
            "name" => once(&mut self.name, words.parsed(str::parse)),
            "dry-run" => flag(&mut self.dry_run),
            "json" => flag(&mut self.json),
            _ => None,
        }
    }
}

impl Control {
    /// Whether options exclude each other.
    pub(super) fn has_conflict(&self) -> bool {
        self.daemonize && (self.timeout.is_some() || self.die_with_parent)
    }
}
