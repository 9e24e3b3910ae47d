//! Runs the program: starts it, waits for it, and reports the outcome.

mod default_action;
mod descendants;
mod dispositions;
mod group;
mod job;
mod line;
mod orphans;
mod parent;
mod proc_pid;
mod queued;
mod report;
mod signals;
mod starting;
mod supervised;
mod terminal;
mod timer;
mod watch;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;

use ns_process::{Builder, Inject, NamespaceFlags, Process};

use crate::cli::{Cli, Control, Kept, Start};
use crate::failure::{Failure, Origins};
use crate::{deadline, exit};
use descendants::Descendants;
use job::Job;
pub(crate) use parent::die_with_parent;
use report::Report;
use signals::Signals;
pub(crate) use signals::{handle_as_process_1, reset_sigpipe};
use terminal::Terminal;
use watch::Watch;

/// How the program terminated.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    status: ExitStatus,
    /// Whether `--timeout` had expired.
    timed_out: bool,
}

/// Reports that the options are refused before there is a program.
pub(crate) fn refuse(cli: &Cli, reason: String) -> ExitCode {
    let Some(Start { control, .. }) = cli.start() else { return ExitCode::from(exit::FAILED) };
    let name = control.name.as_deref().unwrap_or("space");
    Report::new(name, control.json, cli.verbose).finish(&Err(Failure::Refused(reason)))
}

/// Runs a program as the control options request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runner<'a> {
    control: &'a Control,
    verbose: bool,
    /// Whether the program inherits the caller's standard streams.
    inherits_streams: bool,
    /// The namespaces that outlive the program.
    kept: Option<&'a Kept>,
    /// Whether the program joins the pid namespace of a file.
    joins_pid: bool,
    /// The verb with its options, for messages.
    verb: &'a dyn Origins,
    /// The command line, for messages.
    words: &'a [OsString],
}

impl<'a> Runner<'a> {
    pub(crate) fn new(verb: &'a dyn Origins, verbose: bool, words: &'a [OsString]) -> Self {
        let start = verb.start();
        let inherits_streams = start.program.inherits_streams();
        Self {
            control: &start.control,
            verbose,
            inherits_streams,
            kept: None,
            joins_pid: false,
            verb,
            words,
        }
    }

    pub(crate) fn keeping(self, kept: &'a Kept) -> Self {
        Self { kept: Some(kept), ..self }
    }

    pub(crate) fn joining_pid(self, joins_pid: bool) -> Self {
        Self { joins_pid, ..self }
    }

    /// Starts the program and waits until it terminates, or prints the plan. Returns the exit status of `space`.
    pub(crate) fn run<Kind>(&self, builder: Result<Builder<Kind>, Failure>) -> ExitCode {
        let name = self.control.name.as_deref().unwrap_or("space");
        let mut report = Report::new(name, self.control.json, self.verbose);
        let outcome = builder.and_then(|mut builder| {
            if self.control.dry_run {
                return describe(&builder).map(|()| None);
            }
            if self.control.daemonize {
                return self.start_daemon(&mut builder, &mut report).map(|()| None);
            }
            self.start(&mut builder, &mut report).map(Some)
        });
        let outcome = outcome.map_err(|failure| self.explained(failure));
        if let (Err(_), None, Some(kept)) = (&outcome, report.pid(), self.kept) {
            kept.unbind();
        }
        report.finish(&outcome)
    }

    /// Adds to a failure what is known about the command line.
    fn explained(&self, failure: Failure) -> Failure {
        let kept =
            self.kept.and_then(Kept::failure).filter(|_| failure.step() == Some("before_go"));
        let program = 1 + self.verb.start().argv.args().len();
        let options = self.words.len().saturating_sub(program);
        let origin = self.verb.origin().typed(&self.words[..options]);
        kept.unwrap_or(failure).of(origin)
    }

    /// As [`run`](Self::run), with a warning if the caller is in all namespaces to join.
    pub(crate) fn inject(&self, builder: Result<Inject, Failure>, target: &str) -> ExitCode {
        let is_plain = !self.control.dry_run && !self.control.json;
        let joins_nothing =
            |inject: &Inject| inject.joined_namespaces().is_ok_and(|kinds| kinds.is_empty());
        if let Some(inject) =
            builder.as_ref().ok().filter(|inject| is_plain && joins_nothing(inject))
        {
            report::warn(&nothing_is_joined(target, inject.get_proc()));
        }
        self.run(builder)
    }

    fn start<Kind>(
        &self,
        builder: &mut Builder<Kind>,
        report: &mut Report<'_>,
    ) -> Result<Outcome, Failure> {
        self.warn_about_descriptors();
        // Opening a FIFO blocks until it has a peer. Signals are not blocked yet, so that they terminate `space`
        // meanwhile.
        builder.open_paths(deadline::left())?;
        if let Some(left) = deadline::left() {
            builder.start_timeout(left);
        }
        // Block signals before the start: a signal that arrives during the start stays pending and is forwarded.
        let signals = Signals::block().map_err(|error| Failure::Call("signalfd", error))?;
        let terminal =
            Terminal::open(self.inherits_streams && self.needs_own_group(builder)).map(Arc::new);
        if let Some(terminal) = terminal.clone().filter(|terminal| terminal.uses_new_group()) {
            builder.new_session(false).before_go(move |child| terminal.move_to_group(child.pid()));
        }
        if self.kept.is_some_and(Kept::is_used) {
            kill_first(builder);
        }
        let outcome = self.watch(builder, &signals, terminal.as_deref(), report);
        if let Some(terminal) = terminal {
            terminal.reclaim(report.pid());
        }
        if outcome.is_err() || report.prints_outcome() {
            signals.unblock();
        }
        outcome
    }

    /// Warns if an argument names a descriptor that the program does not get.
    fn warn_about_descriptors(&self) {
        let Start { descriptors, argv, .. } = self.verb.start();
        let missing = descriptors.missing(argv.args()).filter(|_| !self.control.json);
        if let Some(number) = missing {
            report::warn(&format!(
                "the program does not get descriptor {number}: add --keep-fd {number}"
            ));
        }
    }

    /// Whether the program needs a process group of its own: the caller's group is not visible in its pid namespace.
    ///
    /// A program under an init or with `--new-session` gets no group, because it has a session of its own.
    fn needs_own_group<Kind>(&self, builder: &Builder<Kind>) -> bool {
        let new = builder.get_namespaces().contains(NamespaceFlags::PID);
        let has_session = builder.get_init().is_some() || builder.get_new_session() == Some(true);
        !has_session && (new || self.joins_pid || builder.get_target().is_some())
    }

    fn watch<Kind>(
        &self,
        builder: &Builder<Kind>,
        signals: &Signals,
        terminal: Option<&Terminal>,
        report: &mut Report<'_>,
    ) -> Result<Outcome, Failure> {
        let deadline = deadline::get();
        let is_init = builder.get_namespaces().contains(NamespaceFlags::PID);
        // The kernel kills all processes of a pid namespace together with its process 1.
        let adopts = deadline.is_some() && !is_init;
        let descendants = adopts.then(|| Descendants::adopt(builder.get_proc())).transpose()?;
        let process = self.started(builder)?;
        report.started(&process);
        let under_init = builder.get_init().is_some();
        let job = Job { process: &process, proc: builder.get_proc(), under_init, is_init };
        let stopped_in_background = Cell::new(false);
        Watch { job, signals, terminal, descendants, stopped_in_background }.wait(deadline)
    }

    /// Starts a daemon and does not wait for it.
    fn start_daemon<Kind>(
        &self,
        builder: &mut Builder<Kind>,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        builder.open_paths(deadline::left())?;
        let signals = Signals::block().map_err(|error| Failure::Call("signalfd", error))?;
        kill_first(builder);
        let started = self.started(builder);
        signals.unblock();
        report.started(&started?);
        Ok(())
    }

    /// Starts the program. A signal during a start that takes long terminates `space`.
    fn started<Kind>(&self, builder: &Builder<Kind>) -> Result<Process, ns_process::Error> {
        let unbind = || self.kept.into_iter().for_each(Kept::unbind);
        starting::interruptible(|| builder.start(), unbind)
    }
}

/// Lets a signal that ends the start kill the child first.
fn kill_first<Kind>(builder: &mut Builder<Kind>) {
    builder.before_go(|child| starting::kill_first(child.pid()));
}

/// Returns the warning that the caller is in all namespaces to join.
fn nothing_is_joined(target: &str, proc: &Path) -> String {
    let program = supervised::program_of(target, proc);
    let advice = program.map(|pid| format!("; it is space, whose program is process {pid}"));
    let line = "nothing is joined: the target is in the caller's namespaces";
    line.to_owned() + &advice.unwrap_or_default()
}

fn describe<Kind>(builder: &Builder<Kind>) -> Result<(), Failure> {
    let plan = builder.plan()?;
    writeln!(std::io::stdout(), "{}", plan.describe()).map_err(|e| Failure::Call("stdout", e))
}
