//! A program from its start to its end.

mod group;
mod job;
mod report;
mod signals;
mod starting;
mod terminal;
mod watch;

use std::io::Write;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Instant;

use ns_process::{Builder, NamespaceFlags};

use crate::cli::{Control, Start};
use crate::failure::Failure;
use job::Job;
use report::Report;
use signals::Signals;
pub(crate) use signals::broken_pipes_end_us;
use terminal::Terminal;
use watch::Watch;

/// How a program ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    status: ExitStatus,
    /// Whether the time that it had was over.
    timed_out: bool,
}

/// What `space` does besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner<'a> {
    control: &'a Control,
    verbose: bool,
    /// Whether it has the caller's own streams.
    own_streams: bool,
}

impl<'a> Manner<'a> {
    pub(crate) fn of(start: &'a Start, verbose: bool) -> Self {
        let own_streams = start.program.has_own_streams();
        Self { control: &start.control, verbose, own_streams }
    }

    /// Starts what was built and waits for its end, or prints the plan.
    pub(crate) fn run<Kind>(&self, builder: Result<Builder<Kind>, Failure>) -> ExitCode {
        let name = self.control.name.as_deref().unwrap_or("space");
        let mut report = Report::new(name, self.control.json, self.verbose);
        let ended = builder.and_then(|mut builder| {
            if self.control.dry_run {
                return describe(&builder).map(|()| None);
            }
            if self.control.daemonize {
                return leave(&builder, &mut report).map(|()| None);
            }
            self.start(&mut builder, &mut report).map(Some)
        });
        report.end(&ended)
    }

    fn start<Kind>(
        &self,
        builder: &mut Builder<Kind>,
        report: &mut Report<'_>,
    ) -> Result<Ended, Failure> {
        let limit = self.control.timeout;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        // A FIFO may have no peer for a long time. Until its streams are open, `space` ends by signals as any
        // other command does.
        builder.open_paths(limit)?;
        if let Some(deadline) = deadline {
            builder.start_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        // Before the start: a signal that comes meanwhile waits, and is passed on.
        let signals = Signals::block().map_err(|error| Failure::Call("signalfd", error))?;
        let terminal =
            Terminal::open(self.own_streams && is_lost_in_a_group(builder)).map(Arc::new);
        if let Some(terminal) = terminal.clone().filter(|terminal| terminal.is_lent_out()) {
            builder.new_session(false).before_go(move |child| terminal.lend(child.pid()));
        }
        let ended = Self::watch(builder, &signals, terminal.as_deref(), report, deadline);
        if let Some(terminal) = terminal {
            terminal.take_back(report.pid());
        }
        ended
    }

    fn watch<Kind>(
        builder: &Builder<Kind>,
        signals: &Signals,
        terminal: Option<&Terminal>,
        report: &mut Report<'_>,
        deadline: Option<Instant>,
    ) -> Result<Ended, Failure> {
        let process = starting::interruptible(|| builder.start())?;
        report.started(&process);
        let beside_init = builder.get_init().is_some();
        let job = Job { process: &process, proc: builder.get_proc(), beside_init };
        Watch { job, signals, terminal }.until_end(deadline)
    }
}

/// Whether the program cannot name the caller's process group, and may lead one: where an init has a session
/// of its own, it may not.
fn is_lost_in_a_group<Kind>(builder: &Builder<Kind>) -> bool {
    let new = builder.get_namespaces().contains(NamespaceFlags::PID);
    builder.get_init().is_none() && (new || builder.get_target().is_some())
}

/// Starts a daemon, which is nobody's job.
fn leave<Kind>(builder: &Builder<Kind>, report: &mut Report<'_>) -> Result<(), Failure> {
    report.started(&builder.start()?);
    Ok(())
}

fn describe<Kind>(builder: &Builder<Kind>) -> Result<(), Failure> {
    let plan = builder.plan()?;
    writeln!(std::io::stdout(), "{}", plan.describe()).map_err(|e| Failure::Call("stdout", e))
}
