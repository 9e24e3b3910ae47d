//! What is told on stderr, where nobody may be listening.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;

use ns_process::Process;
use rustix::process::Pid;
use serde::Serialize;

use super::Ended;
use crate::exit;
use crate::failure::Failure;

#[derive(Debug)]
pub(super) struct Report<'a> {
    name: &'a str,
    json: bool,
    verbose: bool,
    pid: Option<u32>,
}

/// The object of `--json`: every field is always there.
#[derive(Debug, Serialize)]
struct Object<'a> {
    name: &'a str,
    /// Of the program, in the caller's pid namespace.
    pid: Option<u32>,
    /// Of the program.
    exit_code: Option<i32>,
    /// The signal that ended it.
    signal: Option<i32>,
    timed_out: bool,
    /// The exit status of `space`.
    status: u8,
    error: Option<Told<'a>>,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    message: String,
    step: Option<&'a str>,
    side: Option<String>,
    errno: Option<i32>,
    object: Option<&'a str>,
    hint: Option<&'a str>,
}

impl<'a> Report<'a> {
    pub(super) fn new(name: &'a str, json: bool, verbose: bool) -> Self {
        Self { name, json, verbose, pid: None }
    }

    pub(super) fn pid(&self) -> Option<Pid> {
        self.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
    }

    pub(super) fn started(&mut self, process: &Process) {
        self.pid = Some(process.pid());
        if self.verbose {
            tell(&format!("PID of child created by clone() is {}", process.pid()));
        }
    }

    /// Tells the end, and gives the exit status.
    pub(super) fn end(&self, ended: &Result<Option<Ended>, Failure>) -> ExitCode {
        let status = match ended {
            Ok(Some(Ended { timed_out: true, .. })) => exit::TIMED_OUT,
            Ok(Some(ended)) => exit::of_program(ended.status),
            Ok(None) => 0,
            Err(failure) => failure.status(),
        };
        if let (true, Ok(Some(ended))) = (self.verbose, ended) {
            self.returned(*ended);
        }
        if self.json {
            tell(&self.object(ended, status));
        } else if let Err(failure) = ended {
            tell(&line(failure));
        }
        ExitCode::from(status)
    }

    /// As pyspaces told it: a signal is a negative status.
    fn returned(&self, ended: Ended) {
        let signal = ended.status.signal().map(|signal| -signal);
        let status = ended.status.code().or(signal).unwrap_or_default();
        tell(&format!("Child returned: pid {}, status {status}", self.pid.unwrap_or_default()));
    }

    fn object(&self, ended: &Result<Option<Ended>, Failure>, status: u8) -> String {
        let program = ended.as_ref().ok().copied().flatten();
        let object = Object {
            name: self.name,
            pid: self.pid,
            exit_code: program.and_then(|ended| ended.status.code()),
            signal: program.and_then(|ended| ended.status.signal()),
            timed_out: status == exit::TIMED_OUT && program.is_none_or(|ended| ended.timed_out),
            status,
            error: ended.as_ref().err().map(Told::new),
        };
        serde_json::to_string(&object).unwrap_or_default()
    }
}

impl<'a> Told<'a> {
    fn new(failure: &'a Failure) -> Self {
        let error = failure.process();
        Self {
            message: failure.to_string(),
            step: error.map(|error| error.step().name()),
            side: error.map(|error| error.side().to_string()),
            errno: error.and_then(ns_process::Error::errno).map(ns_process::Errno::raw_os_error),
            object: error.and_then(ns_process::Error::object),
            hint: error.and_then(ns_process::Error::hint),
        }
    }
}

fn line(failure: &Failure) -> String {
    let said = failure.to_string();
    if said.starts_with("space: ") { said } else { format!("space: {said}") }
}

/// A line, in one write, so that it stays whole between those of the program.
fn tell(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
