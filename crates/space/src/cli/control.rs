//! What space itself does about the program.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Control")]
pub(crate) struct Control {
    /// Ends the program after so many seconds: by TERM, and 2 seconds later by KILL
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Leaves the program behind as a daemon; its streams are /dev/null unless they are set
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) daemonize: bool,
    /// A label for messages
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Prints the plan, one system call a line, and runs nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Tells how it ended as one JSON object on stderr, errors too
    #[arg(long)]
    pub(crate) json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let duration = Duration::try_from_secs_f64(number).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("has to be more than 0".to_owned()) } else { Ok(duration) }
}
