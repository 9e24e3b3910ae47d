//! Starts for real.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Error, Mount, Process, Step, reap};
use ns_testbed::Leftovers;

use super::faulty::{Fault, start_with};
use super::running::Running;
use super::wish::Wish;

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
    /// look at.
    ///
    /// # Panics
    /// As [`start`], but for what is left.
    pub fn run(&self) {
        match self.fate {
            Fate::Exit(code) => self.exit(code),
            Fate::Kill => {
                let process = self.sleeping(false);
                process.kill().expect("kill");
                assert_eq!(process.join().expect("join").code(), None, "{self:?}");
                assert_eq!(process.exit_code().expect("known"), Some(-9), "{self:?}");
            }
            Fate::Drop => drop(self.sleeping(true)),
            Fate::Missing(what) => self.missing(what),
            Fate::Fault(fault) => start_with(fault, &self.wish),
        }
    }

    fn exit(&self, code: u8) {
        let script = format!("exit {code}");
        let process = self.wish.container(&["sh", "-c", &script]).start();
        let process = process.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let status = process.join().expect("join");
        assert_eq!(status.code(), Some(code.into()), "{self:?}");
    }

    /// A process that has been looked at.
    fn sleeping(&self, kill_on_drop: bool) -> Process {
        let mut container = self.wish.container(&["sleep", "1000"]);
        let process = container.kill_on_drop(kill_on_drop).start();
        let process = process.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        Running::new(&process).check(&self.wish, &process);
        process
    }

    fn missing(&self, what: Missing) {
        let nowhere = "/no/such/place";
        let mut container = match what {
            Missing::Program => self.wish.container(&[nowhere]),
            _ => self.wish.container(&["true"]),
        };
        let step = match what {
            Missing::Program => Step::Exec,
            Missing::Workdir => {
                container.workdir(nowhere);
                Step::Workdir
            }
            Missing::MountTarget if self.wish.tmpfs => {
                container.mount(Mount::tmpfs(nowhere));
                Step::MountTarget
            }
            Missing::MountTarget | Missing::Root => {
                container.rootdir(nowhere);
                Step::OpenRoot
            }
        };
        let error = container.start().expect_err("it is missing");
        told(&error, step, nowhere);
    }
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
