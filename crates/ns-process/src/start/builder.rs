//! The methods that start a [`Builder`].

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
    /// The first invalid setting, with the name of its setter.
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::new(self)
    }

    /// Starts the program. On `Ok`, the program has been executed, or the closure has begun.
    ///
    /// The caller's memory is not copied, except for a closure or a program with hooks in the
    /// child. No signal handler of the caller runs in the child. The program begins with no signal
    /// blocked or ignored, with the caller's working directory, umask, limits and standard streams,
    /// and no other descriptor. New mount namespaces are private: no mount propagates between them
    /// and the caller's.
    ///
    /// # Errors
    /// The first step that failed, with its errno and object; then nothing is left behind. Often:
    /// - [`Step::Check`](crate::Step::Check): an invalid setting, with the name of its setter;
    ///   no errno.
    /// - [`Step::MultiThreaded`](crate::Step::MultiThreaded): a closure, and the caller has other
    ///   threads.
    /// - [`Step::Clone`](crate::Step::Clone), `EPERM`: new namespaces need `CAP_SYS_ADMIN` or a new
    ///   user namespace; `ENOSPC`: a limit of namespaces(7), which the hint names; `EINVAL`,
    ///   `ENOMEM`: the caller has unshared its pid namespace; then no start by way of an
    ///   intermediate process succeeds, and no start at all once the first process of that namespace
    ///   has terminated.
    /// - [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap): a map that
    ///   the kernel does not allow this caller to write.
    /// - [`Step::Exec`](crate::Step::Exec), `ENOENT`, `EACCES`: the program, looked up inside its
    ///   root; without an errno, the child was killed before it executed the program.
    ///
    /// # Kernel support
    /// Linux 5.5, judged by the system calls that it makes; tested on Linux 6.18.
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

    /// Starts the program, reads all of its output, and joins it. Streams that were not set are
    /// `/dev/null` for stdin, and captured for stdout and stderr.
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
