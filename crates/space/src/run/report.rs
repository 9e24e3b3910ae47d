//! Messages on stderr. Errors of the writes are ignored, except for the object of `--json`: there is no other place to
//! report them.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;

use ns_process::Process;
use rustix::process::Pid;
use serde::Serialize;

use super::{Outcome, line, signals};
use crate::failure::Failure;
use crate::{exit, print};

#[derive(Debug)]
pub(super) struct Report<'a> {
    name: &'a str,
    json: bool,
    verbose: bool,
    pid: Option<u32>,
}

/// The object that `--json` prints. It always has all fields.
#[derive(Debug, Serialize)]
struct Object<'a> {
    name: &'a str,
    /// The process ID of the program in the caller's pid namespace.
    pid: Option<u32>,
    /// The exit status of the program, if it exited.
    exit_code: Option<i32>,
    /// The signal that killed the program.
    signal: Option<i32>,
    timed_out: bool,
    /// The exit status of `space`.
    status: u8,
    error: Option<JsonError>,
}

#[derive(Debug, Serialize)]
struct JsonError {
    message: String,
    step: Option<&'static str>,
    side: Option<String>,
    errno: Option<i32>,
    object: Option<String>,
    hint: Option<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(name: &'a str, json: bool, verbose: bool) -> Self {
        Self { name, json, verbose, pid: None }
    }

    pub(super) fn pid(&self) -> Option<Pid> {
        self.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
    }

    /// Whether there is output at the end, also without an error.
    pub(super) fn prints_outcome(&self) -> bool {
        self.json || self.verbose
    }

    pub(super) fn started(&mut self, process: &Process) {
        self.pid = Some(process.pid());
        if self.verbose {
            print_line(&format!("space: process {} started", process.pid()));
        }
    }

    /// Reports the outcome, and returns the exit status.
    pub(super) fn finish(&self, outcome: &Result<Option<Outcome>, Failure>) -> ExitCode {
        let status = match outcome {
            Ok(Some(Outcome { timed_out: true, .. })) => exit::TIMED_OUT,
            Ok(Some(outcome)) => exit::of_program(outcome.status),
            Ok(None) => 0,
            Err(failure) => failure.status(),
        };
        if let (true, Ok(Some(outcome))) = (self.verbose, outcome) {
            self.print_status(*outcome);
        }
        if self.json {
            signals::block_writes();
            if line::print(&self.object(outcome, status)).is_err() {
                return ExitCode::from(exit::FAILED);
            }
        } else if let Err(failure) = outcome {
            let message = self.message(failure);
            let is_labelled = self.name != "space";
            print_line(&if is_labelled { format!("space: {message}") } else { message });
        }
        ExitCode::from(status)
    }

    fn print_status(&self, outcome: Outcome) {
        let end = match (outcome.status.code(), outcome.status.signal()) {
            (Some(code), _) => format!("exited with status {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => return,
        };
        print_line(&format!("space: process {} {end}", self.pid.unwrap_or_default()));
    }

    /// Returns the message of a failure, with the label of `--name`.
    fn message(&self, failure: &Failure) -> String {
        format!("{}: {failure}", print::one_line(self.name))
    }

    fn object(&self, outcome: &Result<Option<Outcome>, Failure>, status: u8) -> String {
        let program = outcome.as_ref().ok().copied().flatten();
        let object = Object {
            name: self.name,
            pid: self.pid,
            exit_code: program.and_then(|outcome| outcome.status.code()),
            signal: program.and_then(|outcome| outcome.status.signal()),
            timed_out: status == exit::TIMED_OUT && program.is_none_or(|outcome| outcome.timed_out),
            status,
            error: outcome.as_ref().err().map(|error| JsonError::new(error, self.message(error))),
        };
        serde_json::to_string(&object).unwrap_or_default()
    }
}

impl JsonError {
    fn new(failure: &Failure, message: String) -> Self {
        let error = failure.process();
        let [object, hint] = failure.details();
        Self {
            message,
            step: failure.step(),
            side: error.map(|error| error.side().to_string()),
            errno: error.and_then(ns_process::Error::errno).map(ns_process::Errno::raw_os_error),
            object,
            hint,
        }
    }
}

/// Prints a warning about a start that goes on.
pub(super) fn warn(message: &str) {
    print_line(&format!("space: warning: {message}"));
}

fn print_line(line: &str) {
    let _ = line::print(line);
}
