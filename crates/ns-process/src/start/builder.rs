//! The ways to start a [`Builder`].

use std::process::{ExitStatus, Output};

use super::{refuse_threads, start};
use crate::error::Error;
use crate::plan::Plan;
use crate::process::Process;
use crate::settings::Builder;
use crate::step::Step;

/// # Start
///
/// Checks the settings, and starts the process.
impl<Kind> Builder<Kind> {
    /// Checks all settings, without starting anything.
    ///
    /// # Errors
    /// The first invalid setting, by the name of its setter.
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::new(self)
    }

    /// Starts the program; when this returns `Ok`, it has been executed, or the closure has begun.
    ///
    /// The caller's memory is not copied, but for a closure or a program with hooks in the child, and no
    /// handler of the caller's runs there. The program begins with no signal blocked or ignored, with the
    /// caller's working directory, umask, limits and standard streams, and no other descriptor. New
    /// mount namespaces are private: no mount travels between them and the caller's.
    ///
    /// # Errors
    /// What failed first, by step, errno and object; then nothing is left behind. Often:
    /// - [`Step::Check`](crate::Step::Check): a mistake, by its setter; no errno.
    /// - [`Step::MultiThreaded`](crate::Step::MultiThreaded): a closure, and the caller has threads.
    /// - [`Step::Clone`](crate::Step::Clone), `EPERM`: namespaces need `CAP_SYS_ADMIN` or a new user
    ///   namespace; `ENOSPC`: a limit of namespaces(7), which the hint names; `EINVAL`, `ENOMEM`: the
    ///   caller has unshared its pid namespace. Then nothing starts by way of another process, and
    ///   nothing at all once the first process born there has ended.
    /// - [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap): what the kernel
    ///   does not let this caller map.
    /// - [`Step::Exec`](crate::Step::Exec), `ENOENT`, `EACCES`: the program, looked up inside; without
    ///   an errno, the child was killed before it executed.
    ///
    /// # Kernel support
    /// Linux 5.5 by the calls it makes; run on 6.18.
    ///
    /// # References
    /// clone(2), execve(2), user_namespaces(7); kernel/fork.c, fs/exec.c.
    pub fn start(&self) -> Result<Process, Error> {
        begin(self.plan()?)
    }

    /// Starts the program and joins it.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Process::join`].
    pub fn status(&self) -> Result<ExitStatus, Error> {
        self.start()?.join()
    }

    /// Starts the program, reads all that it prints, and joins it. Of the streams that were not set,
    /// stdin is `/dev/null`, and stdout and stderr are captured.
    ///
    /// ```
    /// use ns_process::Container;
    ///
    /// let output = Container::new("sh").args(["-c", "echo out; echo err >&2"]).output()?;
    /// assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Process::wait_with_output`].
    pub fn output(&self) -> Result<Output, Error> {
        let mut plan = self.plan()?;
        let invalid = |message| Error::new(&self.name, Step::Check).with_object(message);
        plan.streams.capture().map_err(invalid)?;
        begin(plan)?.wait_with_output()
    }
}

fn begin(plan: Plan) -> Result<Process, Error> {
    if plan.work.closure().is_some() {
        refuse_threads(&plan)?;
    }
    start(plan)
}
