//! Signals to the process and to no other.

use std::process::ExitStatus;
use std::time::Duration;

use ns_sys::{Errno, Signal, pidfd_send_signal};

use super::Process;
use super::hangup::KILLED;
use super::unreaped::is_traced;
use crate::error::Error;
use crate::step::Step;

/// How long a killed process may take, which has memory to give back.
const GIVEN_UP: Duration = Duration::from_secs(1);

impl Process {
    /// Sends `signal`; does nothing if the process has ended.
    ///
    /// Pid 1 of a pid namespace gets only signals it has handlers for, and `SIGKILL` and `SIGSTOP`.
    ///
    /// # Errors
    /// `EPERM`: the process has become another user.
    ///
    /// # References
    /// pidfd_send_signal(2), pid_namespaces(7).
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        match pidfd_send_signal(self, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(self.failed(Step::Signal, errno)),
        }
    }

    /// Sends `SIGTERM`, which pid 1 of a pid namespace ignores unless it handles it.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn terminate(&self) -> Result<(), Error> {
        self.signal(Signal::TERM)
    }

    /// Sends `SIGKILL`, which ends pid 1 of a pid namespace too, and with it all in there.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn kill(&self) -> Result<(), Error> {
        self.signal(Signal::KILL)
    }

    /// Sends `SIGTERM`, after `grace` `SIGKILL`, and joins.
    ///
    /// A killed process that does not end is given up after one second, one that is traced after 50 ms.
    ///
    /// # Errors
    /// - As [`signal`](Self::signal) and [`join`](Self::join).
    /// - `ETIMEDOUT`: it was killed, and something keeps it. Later calls can learn its end.
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
        let ended = self.join_timeout(KILLED)?;
        let ended = match ended {
            None if !is_traced(self) => self.join_timeout(GIVEN_UP)?,
            ended => ended,
        };
        ended.ok_or_else(|| self.held())
    }
}
