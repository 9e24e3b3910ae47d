//! A program from its start to its end.

mod job;
mod report;
mod signals;
mod terminal;
mod watch;

use std::io::Write;
use std::process::{ExitCode, ExitStatus};
use std::time::Instant;

use ns_process::Builder;

use crate::cli::Control;
use crate::failure::Failure;
use report::Report;
use signals::Signals;
pub(crate) use signals::broken_pipes_end_us;
use watch::Watch;

/// How a program ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    status: ExitStatus,
    /// Whether the time that it had was over.
    timed_out: bool,
}

/// Starts what was built and waits for its end, or prints the plan.
pub(crate) fn run<Kind>(builder: &Builder<Kind>, control: &Control, verbose: bool) -> ExitCode {
    let mut report = Report::new(builder.get_name(), control.json, verbose);
    let ended = if control.dry_run {
        describe(builder).map(|()| None)
    } else {
        start(builder, control, &mut report).map(Some)
    };
    report.end(&ended)
}

/// A failure before anything could be built.
pub(crate) fn refuse(failure: Failure, control: &Control, verbose: bool) -> ExitCode {
    Report::new("space", control.json, verbose).end(&Err(failure))
}

fn describe<Kind>(builder: &Builder<Kind>) -> Result<(), Failure> {
    let plan = builder.plan()?;
    writeln!(std::io::stdout(), "{}", plan.describe()).map_err(|e| Failure::Call("stdout", e))
}

fn start<Kind>(
    builder: &Builder<Kind>,
    control: &Control,
    report: &mut Report<'_>,
) -> Result<Ended, Failure> {
    let deadline = control.timeout.and_then(|limit| Instant::now().checked_add(limit));
    // Before the start: a signal that comes meanwhile waits, and is passed on.
    let signals = Signals::block().map_err(|error| Failure::Call("signalfd", error))?;
    let process = builder.start()?;
    report.started(&process);
    Watch::new(&process, builder.get_proc(), &signals).until_end(deadline)
}
