//! Real starts of processes.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Error, Mount, NamespaceFlags, Process, Side, Step, reap};
use ns_testbed::Leftovers;
use rustix::process::{Pid, set_child_subreaper};

use super::faulty::{Fault, start_with};
use super::fixture::Fixture;
use super::hooks::Progress;
use super::payload::{MISSING_PATH, Payload};
use super::running::Running;
use super::settings::Settings;

/// The settings of a process, and what happens to it.
#[derive(Clone, Debug, Arbitrary)]
pub struct Start {
    settings: Settings,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Ending {
    /// The program exits with this code.
    Exit(u8),
    /// The process is killed while it runs.
    Kill,
    /// The handle is dropped, which kills the process.
    Drop,
    /// A requested file does not exist.
    Missing(Missing),
    /// A system call fails.
    Fault(Fault),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Missing {
    Program,
    Workdir,
    MountTarget,
    Root,
}

/// Starts a process.
///
/// Oracle: `/proc` shows the requested namespaces and settings, and the process terminates as requested; or the error
/// names the step that fails. Nothing is left behind, not even if a system call fails that normally succeeds.
///
/// # Panics
/// If one of these does not hold.
pub fn start(input: &Start) {
    become_subreaper();
    let before = Leftovers::snapshot();
    input.run();
    // The process of a dropped handle is reaped later.
    while reap() > 0 {
        std::thread::yield_now();
    }
    // A thread that exits may still close its descriptors.
    before.assert_unchanged_within(Duration::from_secs(5));
}

impl Start {
    /// Makes an input without a failing system call.
    ///
    /// # Errors
    /// There are too few bytes.
    pub fn without_faults(u: &mut Unstructured<'_>) -> Result<Self> {
        let start: Self = u.arbitrary()?;
        let is_fault = matches!(start.ending, Ending::Fault(_));
        let ending = if is_fault { Ending::Kill } else { start.ending };
        Ok(Self { ending, ..start })
    }

    /// Starts and checks the process, but not what is left behind, because other threads may start processes at the
    /// same time. The calling process must be a subreaper.
    ///
    /// # Panics
    /// As [`start`], except for what is left behind.
    pub fn run(&self) {
        if let Ending::Fault(fault) = self.ending {
            return start_with(fault, &self.settings);
        }
        let fixture = Fixture::new(&self.settings.mode);
        match self.ending {
            Ending::Exit(code) => self.exit(code, &fixture),
            Ending::Drop if self.settings.mode.daemon.is_none() => {
                drop(self.sleeping(true, &fixture));
            }
            // Dropping the handle does not kill a daemon.
            Ending::Kill | Ending::Drop | Ending::Fault(_) => self.kill(&fixture),
            Ending::Missing(what) => self.missing(what, &fixture),
        }
    }

    fn started(&self, payload: Payload, kill_on_drop: bool, fixture: &Fixture) -> Process {
        let mut container = self.settings.container(payload, fixture);
        let process = self.settings.start(container.kill_on_drop(kill_on_drop));
        process.unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn exit(&self, code: u8, fixture: &Fixture) {
        let process = self.started(Payload::Exits(code), false, fixture);
        let status = process.join().expect("join");
        assert_eq!(status.code(), Some(code.into()), "{self:?}");
        let progress =
            if self.settings.mode.child_code.closure { Progress::Returned } else { Progress::Runs };
        fixture.check_hooks(&self.settings.mode, progress, self.id_inside(Some(&process)));
    }

    fn kill(&self, fixture: &Fixture) {
        let process = self.sleeping(false, fixture);
        process.kill().expect("kill");
        assert_eq!(process.join().expect("join").code(), None, "{self:?}");
        assert_eq!(process.exit_code().expect("the status"), Some(-9), "{self:?}");
    }

    /// Starts a sleeping process and checks it.
    fn sleeping(&self, kill_on_drop: bool, fixture: &Fixture) -> Process {
        let process = self.started(Payload::Sleeps, kill_on_drop, fixture);
        let mode = &self.settings.mode;
        Running::new(&process, mode).check(&self.settings, fixture, &process);
        fixture.check_hooks(mode, Progress::Runs, self.id_inside(Some(&process)));
        process
    }

    /// Returns the process ID of the child in its own pid namespace, if it can be known from outside.
    fn id_inside(&self, process: Option<&Process>) -> Option<u32> {
        if self.settings.mode.joined.contains(NamespaceFlags::PID) {
            None
        } else if self.settings.namespaces.contains(NamespaceFlags::PID) {
            Some(1)
        } else {
            process.map(Process::pid)
        }
    }

    fn missing(&self, what: Missing, fixture: &Fixture) {
        let mode = &self.settings.mode;
        let of_program = matches!(what, Missing::Program) && !mode.child_code.closure;
        let payload = if of_program { Payload::Missing } else { Payload::Exits(0) };
        let mut container = self.settings.container(payload, fixture);
        let step = match what {
            Missing::Program if of_program => Step::Exec,
            Missing::Program | Missing::Workdir => {
                container.workdir(MISSING_PATH);
                Step::Workdir
            }
            Missing::MountTarget if self.settings.tmpfs => {
                container.mount(Mount::tmpfs(MISSING_PATH));
                Step::MountTarget
            }
            Missing::MountTarget | Missing::Root => {
                container.rootdir(MISSING_PATH);
                Step::OpenRoot
            }
        };
        let error = self.settings.start(&container).expect_err("a file is missing");
        check_error(&error, step, MISSING_PATH);
        let progress = match (error.side(), step) {
            (Side::Parent, _) => Progress::NotStarted,
            (Side::Child, Step::Exec) => Progress::ExecFailed,
            (Side::Child, _) => Progress::SetUpFailed,
        };
        fixture.check_hooks(mode, progress, self.id_inside(None));
    }
}

/// Makes the calling process a subreaper: orphaned descendants become its children, so that it can reap its daemons.
///
/// # Panics
/// If the kernel is older than Linux 3.4.
pub(crate) fn become_subreaper() {
    set_child_subreaper(Pid::from_raw(1)).expect("PR_SET_CHILD_SUBREAPER");
}

fn check_error(error: &Error, step: Step, object: &str) {
    assert_eq!((error.step(), error.errno()), (step, Some(ns_process::Errno::NOENT)), "{error}");
    assert_eq!(error.object(), Some(object), "{error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_inputs_pass() {
        ns_testbed::run_as!([Root, Nested], {
            for bytes in crate::noise().iter().take(60) {
                start(&Start::arbitrary(&mut Unstructured::new(bytes)).unwrap());
            }
        });
    }
}
