//! Sending signals to the process.

use std::process::ExitStatus;
use std::time::Duration;

use ns_sys::{Errno, Signal, pidfd_send_signal};

use super::Process;
use super::hangup::KILLED;
use super::unreaped::is_traced;
use crate::error::Error;
use crate::step::Step;

/// How long a killed process may take to exit: it frees its memory first.
const EXIT_LIMIT: Duration = Duration::from_secs(1);

impl Process {
    /// Sends `signal`; does nothing if the process has exited.
    ///
    /// Process 1 of a pid namespace receives only signals that it handles, `SIGKILL` and `SIGSTOP`.
    ///
    /// # Errors
    /// `EPERM`: the process has changed to another user.
    ///
    /// # References
    /// pidfd_send_signal(2), pid_namespaces(7).
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        match pidfd_send_signal(self, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(self.failed(Step::Signal, errno)),
        }
    }

    /// Sends `SIGTERM`. Process 1 of a pid namespace ignores it unless it handles it.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn terminate(&self) -> Result<(), Error> {
        self.signal(Signal::TERM)
    }

    /// Sends `SIGKILL`. If the process is process 1 of a pid namespace, all processes in the namespace are killed.
    ///
    /// Otherwise its descendants keep running: see [`kill_tree`](Self::kill_tree), and "What ends with a process" in
    /// the documentation of the crate.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn kill(&self) -> Result<(), Error> {
        self.signal(Signal::KILL)
    }

    /// Sends `SIGTERM`, after `grace` `SIGKILL`, and joins.
    ///
    /// Blocks for `grace`, and then for one second at most, or 50 ms if the process is traced. It ends the same
    /// processes as [`kill`](Self::kill). With an init, `SIGTERM` goes to the program.
    ///
    /// # Errors
    /// - As [`signal`](Self::signal) and [`join`](Self::join).
    /// - `ETIMEDOUT`: the process was killed but has not exited. A later call can return its status.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use ns_process::Container;
    ///
    /// let process = Container::new("sleep").arg("1000").start()?;
    /// assert!(!process.terminate_timeout(Duration::from_secs(5))?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn terminate_timeout(&self, grace: Duration) -> Result<ExitStatus, Error> {
        self.terminate()?;
        if let Some(status) = self.join_timeout(grace)? {
            return Ok(status);
        }
        self.kill()?;
        self.join_killed()
    }

    /// Kills the process, and all that [`kill_tree`](Self::kill_tree) kills, and joins it.
    pub(super) fn kill_and_join(&self) -> Result<ExitStatus, Error> {
        self.kill_all()?;
        self.join_killed()
    }

    /// Joins a killed process, for one second at most, or 50 ms if it is traced.
    fn join_killed(&self) -> Result<ExitStatus, Error> {
        let ended = match self.join_timeout(KILLED)? {
            None => self.join_timeout(self.exit_limit())?,
            ended => ended,
        };
        ended.ok_or_else(|| self.held())
    }

    /// How long to wait for the exit of a process that was killed more than [`KILLED`] ago.
    pub(crate) fn exit_limit(&self) -> Duration {
        if is_traced(self) { Duration::ZERO } else { EXIT_LIMIT }
    }
}
