#![doc = include_str!("../README.md")]

mod bundle;
mod caller;
mod cgroup;
mod cli;
mod command;
mod config;
mod console;
mod default_config;
mod descriptors;
mod fd_message;
mod features;
mod foreground;
mod hooks;
mod init;
mod listener;
mod log;
mod seccomp;
mod state;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

/// Runs the whole command: parses the command line, executes it, reports an error, and returns the
/// exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Without a reader of the message nothing can be done.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let log = log::Log::new(&cli.global);
    match command::run(cli, &log) {
        Ok(code) => code,
        Err(error) => {
            log.error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
