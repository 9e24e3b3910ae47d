//! Starts for real.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Error, Mount, NamespaceFlags, Process, Side, Step, reap};
use ns_testbed::Leftovers;
use rustix::process::{Pid, set_child_subreaper};

use super::faulty::{Fault, start_with};
use super::hooks::Went;
use super::running::Running;
use super::surroundings::Surroundings;
use super::wish::Wish;
use super::work::{NOWHERE, Work};

/// A wish, and how it goes on.
#[derive(Clone, Debug, Arbitrary)]
pub struct Start {
    wish: Wish,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Fate {
    /// The program ends by itself with this code.
    Exit(u8),
    /// It is killed while it runs.
    Kill,
    /// The handle is dropped, which kills.
    Drop,
    /// Something wished for is not there.
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

/// Oracle: the process as `/proc` shows it has the namespaces and all else that was wished for, and
/// ends as told; or the error names the step that is in the way. Nothing is left behind, not even
/// where a system call fails that never does.
///
/// # Panics
/// Where that does not hold.
pub fn start(input: &Start) {
    adopt();
    let before = Leftovers::snapshot();
    input.run();
    // A handle that was dropped reaps when its process has ended.
    while reap() > 0 {
        std::thread::yield_now();
    }
    // A thread's end may still close what it had.
    before.assert_unchanged_within(Duration::from_secs(5));
}

impl Start {
    /// Draws one in which every system call does as it should.
    ///
    /// # Errors
    /// Too few bytes.
    pub fn without_faults(u: &mut Unstructured<'_>) -> Result<Self> {
        let start: Self = u.arbitrary()?;
        let fate = if let Fate::Fault(_) = start.fate { Fate::Kill } else { start.fate };
        Ok(Self { fate, ..start })
    }

    /// Starts and checks; others may do so at the same time, and what is left behind is theirs to
    /// look at. The process is one that adopts whom others leave.
    ///
    /// # Panics
    /// As [`start`], but for what is left.
    pub fn run(&self) {
        if let Fate::Fault(fault) = self.fate {
            return start_with(fault, &self.wish);
        }
        let surroundings = Surroundings::new(&self.wish.way);
        match self.fate {
            Fate::Exit(code) => self.exit(code, &surroundings),
            Fate::Drop if self.wish.way.daemon.is_none() => {
                drop(self.sleeping(true, &surroundings));
            }
            // A daemon lives on without its handle.
            Fate::Kill | Fate::Drop | Fate::Fault(_) => self.kill(&surroundings),
            Fate::Missing(what) => self.missing(what, &surroundings),
        }
    }

    fn started(&self, work: Work, kill_on_drop: bool, surroundings: &Surroundings) -> Process {
        let mut container = self.wish.container(work, surroundings);
        let process = self.wish.start(container.kill_on_drop(kill_on_drop));
        process.unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn exit(&self, code: u8, surroundings: &Surroundings) {
        let process = self.started(Work::Exits(code), false, surroundings);
        let status = process.join().expect("join");
        assert_eq!(status.code(), Some(code.into()), "{self:?}");
        let went = if self.wish.way.guest.closure { Went::Returned } else { Went::Runs };
        surroundings.check_hooks(&self.wish.way, went, self.id_inside(Some(&process)));
    }

    fn kill(&self, surroundings: &Surroundings) {
        let process = self.sleeping(false, surroundings);
        process.kill().expect("kill");
        assert_eq!(process.join().expect("join").code(), None, "{self:?}");
        assert_eq!(process.exit_code().expect("known"), Some(-9), "{self:?}");
    }

    /// A process that has been looked at.
    fn sleeping(&self, kill_on_drop: bool, surroundings: &Surroundings) -> Process {
        let process = self.started(Work::Sleeps, kill_on_drop, surroundings);
        let way = &self.wish.way;
        Running::new(&process, way).check(&self.wish, surroundings, &process);
        surroundings.check_hooks(way, Went::Runs, self.id_inside(Some(&process)));
        process
    }

    /// The child's id in its own pid namespace, as far as it can be known from outside.
    fn id_inside(&self, process: Option<&Process>) -> Option<u32> {
        if self.wish.way.joined.contains(NamespaceFlags::PID) {
            None
        } else if self.wish.namespaces.contains(NamespaceFlags::PID) {
            Some(1)
        } else {
            process.map(Process::pid)
        }
    }

    fn missing(&self, what: Missing, surroundings: &Surroundings) {
        let way = &self.wish.way;
        let of_program = matches!(what, Missing::Program) && !way.guest.closure;
        let work = if of_program { Work::Missing } else { Work::Exits(0) };
        let mut container = self.wish.container(work, surroundings);
        let step = match what {
            Missing::Program if of_program => Step::Exec,
            Missing::Program | Missing::Workdir => {
                container.workdir(NOWHERE);
                Step::Workdir
            }
            Missing::MountTarget if self.wish.tmpfs => {
                container.mount(Mount::tmpfs(NOWHERE));
                Step::MountTarget
            }
            Missing::MountTarget | Missing::Root => {
                container.rootdir(NOWHERE);
                Step::OpenRoot
            }
        };
        let error = self.wish.start(&container).expect_err("it is missing");
        told(&error, step, NOWHERE);
        let went = match (error.side(), step) {
            (Side::Parent, _) => Went::Nowhere,
            (Side::Child, Step::Exec) => Went::ExecFailed,
            (Side::Child, _) => Went::SetUpFailed,
        };
        surroundings.check_hooks(way, went, self.id_inside(None));
    }
}

/// Makes the process the one that whoever loses its parent below it becomes a child of, so that it
/// reaps its daemons itself.
///
/// # Panics
/// On a kernel without it, before Linux 3.4.
pub(crate) fn adopt() {
    set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
}

fn told(error: &Error, step: Step, object: &str) {
    assert_eq!((error.step(), error.errno()), (step, Some(ns_process::Errno::NOENT)), "{error}");
    assert_eq!(error.object(), Some(object), "{error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_starts_hold() {
        ns_testbed::run_as!([Root, Nested], {
            for bytes in crate::noise().iter().take(60) {
                start(&Start::arbitrary(&mut Unstructured::new(bytes)).unwrap());
            }
        });
    }
}
