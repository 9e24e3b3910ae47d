//! The handle of a process whose exit is awaited.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::prelude::rust_2024::*;
use std::process::ExitStatus;
use std::time::Duration;

use ns_sys::{Errno, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, timeout};

use super::pipes::Pipes;
use crate::error::Error;
use crate::process::{KILLED, TRACED, TRACED_ROUND, Usage, UsageLost, sweep_interval};
use crate::settings::Target;
use crate::step::Step;

/// A handle of a started process, registered with a runtime of tokio.
///
/// It has the methods of [`crate::Process`], with futures in place of calls that block. Any number of tasks may wait
/// for one process at once, and again after its exit.
///
/// ```
/// use std::time::Duration;
///
/// use ns_process::Container;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ns_process::Error> {
/// let process = Container::new("sleep").arg("1000").start_async().await?;
/// assert_eq!(process.join_timeout(Duration::from_millis(10)).await?, None);
/// process.kill()?;
/// process.join().await?;
/// assert_eq!(process.exit_code()?, Some(-9));
/// # Ok(())
/// # }
/// ```
///
/// Dropping the handle has the same effect as for [`crate::Process`]: the process continues, unless
/// [`kill_on_drop`](crate::Builder::kill_on_drop) is set or it is an [`Inject`](crate::Inject). In each case an exited
/// process is reaped at once, or by a later start, wait, drop or [`reap`](crate::reap).
pub struct Process {
    /// Readable once the process has exited.
    process: AsyncFd<crate::Process>,
    pub(super) pipes: Pipes,
}

impl Process {
    /// Registers the descriptors with the current runtime.
    pub(super) fn register(mut process: crate::Process) -> Result<Self, Unregistered> {
        let pipes = match Pipes::register(&mut process) {
            Ok(pipes) => pipes,
            Err(error) => return Err(Unregistered::new(process, &error)),
        };
        // Deprecated for types that may close or change their descriptor, which a handle never does. Its replacement is
        // an unsafe function.
        #[expect(deprecated, reason = "a handle keeps its descriptor")]
        let registered = AsyncFd::try_with_interest(process, Interest::READABLE);
        registered.map(|process| Self { process, pipes }).map_err(|error| {
            let (process, error) = error.into_parts();
            Unregistered::new(process, &error)
        })
    }

    /// The process ID; see [`crate::Process::pid`].
    pub fn pid(&self) -> u32 {
        self.get().pid()
    }

    /// The label set by [`Builder::name`](crate::Builder::name).
    pub fn name(&self) -> &str {
        self.get().name()
    }

    /// The pidfd of the process; see [`crate::Process::pidfd`].
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.get().pidfd()
    }

    /// Waits until the process has exited, and returns its status. Later calls return the same.
    ///
    /// Meanwhile exited processes of dropped handles are reaped. Like [`crate::Process::join`], does not read piped
    /// streams: read them first, or use [`wait_with_output`](Self::wait_with_output). If the future is dropped, nothing
    /// is lost.
    ///
    /// # Errors
    /// As [`crate::Process::join`]. `ECANCELED`: the runtime has shut down.
    ///
    /// # Panics
    /// Time is not enabled in the runtime.
    pub async fn join(&self) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = self.wait_until(None).await? {
                return Ok(status);
            }
        }
    }

    /// Waits until the process has exited, for `limit` at most; `None` if it still runs then.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    ///
    /// # Panics
    /// As [`join`](Self::join).
    pub async fn join_timeout(&self, limit: Duration) -> Result<Option<ExitStatus>, Error> {
        self.wait_until(Instant::now().checked_add(limit)).await
    }

    /// Whether the process still runs; see [`crate::Process::is_alive`]. Does not block.
    ///
    /// # Errors
    /// No error that a caller can act on.
    pub fn is_alive(&self) -> Result<bool, Error> {
        self.get().is_alive()
    }

    /// The exit code, or `-N` after signal N; `None` while the process runs. Does not block.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn exit_code(&self) -> Result<Option<i32>, Error> {
        self.get().exit_code()
    }

    /// The resources that the process has used; see [`crate::Process::usage`]. Does not block.
    ///
    /// # Errors
    /// As [`crate::Process::usage`].
    pub fn usage(&self) -> Result<Option<Usage>, Error> {
        self.get().usage()
    }

    /// Why the usage is lost; see [`crate::Process::usage_lost`]. Does not block.
    pub fn usage_lost(&self) -> Option<UsageLost> {
        self.get().usage_lost()
    }

    /// Sends `signal`; see [`crate::Process::signal`].
    ///
    /// # Errors
    /// As [`crate::Process::signal`].
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        self.get().signal(signal)
    }

    /// Sends `SIGTERM`; see [`crate::Process::terminate`].
    ///
    /// # Errors
    /// As [`crate::Process::signal`].
    pub fn terminate(&self) -> Result<(), Error> {
        self.get().terminate()
    }

    /// Sends `SIGKILL`; see [`crate::Process::kill`].
    ///
    /// # Errors
    /// As [`crate::Process::signal`].
    pub fn kill(&self) -> Result<(), Error> {
        self.get().kill()
    }

    /// Sends `SIGKILL` to the process and its descendants; see [`crate::Process::kill_tree`].
    ///
    /// # Errors
    /// As [`crate::Process::kill_tree`].
    pub fn kill_tree(&self) -> Result<(), Error> {
        self.get().kill_tree()
    }

    /// Sends `SIGTERM`, after `grace` `SIGKILL`, and waits for the exit; see [`crate::Process::terminate_timeout`].
    ///
    /// If the future is dropped before `grace` has passed, `SIGKILL` is not sent.
    ///
    /// # Errors
    /// As [`crate::Process::terminate_timeout`].
    ///
    /// # Panics
    /// As [`join`](Self::join).
    pub async fn terminate_timeout(&self, grace: Duration) -> Result<ExitStatus, Error> {
        self.terminate()?;
        if let Some(status) = self.join_timeout(grace).await? {
            return Ok(status);
        }
        self.kill()?;
        self.join_killed().await
    }

    /// Kills the process, and all that [`kill_tree`](Self::kill_tree) kills, and joins it.
    pub(super) async fn kill_and_join(&self) -> Result<ExitStatus, Error> {
        self.get().kill_all()?;
        self.join_killed().await
    }

    /// Joins a killed process, for one second at most, or 50 ms if it is traced.
    async fn join_killed(&self) -> Result<ExitStatus, Error> {
        let ended = match self.join_timeout(KILLED).await? {
            None => self.join_timeout(self.get().exit_limit()).await?,
            ended => ended,
        };
        ended.ok_or_else(|| self.get().held())
    }

    /// The handle that blocks, with the pipes that were not taken.
    ///
    /// # Errors
    /// [`Step::Output`]: a pipe could not be made blocking again. The handle is dropped.
    pub fn into_inner(self) -> Result<crate::Process, Error> {
        let Self { process, pipes } = self;
        let process = process.into_inner();
        let pipes = pipes.into_blocking();
        let pipes = pipes.map_err(|error| failed(&process, Step::Output, &error))?;
        Ok(process.with_pipes(pipes))
    }

    pub(super) fn get(&self) -> &crate::Process {
        self.process.get_ref()
    }

    pub(super) fn get_mut(&mut self) -> &mut crate::Process {
        self.process.get_mut()
    }

    pub(super) async fn wait_until(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<ExitStatus>, Error> {
        let (mut has_exited, mut given_up) = (false, None);
        loop {
            // This also reaps orphans, as a pid namespace ends only after all its zombies are reaped.
            if let Some(status) = self.get().join_timeout(Duration::ZERO)? {
                return Ok(Some(status));
            }
            let now = Instant::now();
            let left = deadline.map(|end| end.saturating_duration_since(now));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let at_most = |round: Duration| left.map_or(round, |left| left.min(round));
            if !has_exited {
                has_exited = self.exits_within(at_most(sweep_interval())).await?;
            } else if now < *given_up.get_or_insert(now + TRACED) {
                // Its tracer has yet to reap it.
                sleep(at_most(TRACED_ROUND)).await;
            } else {
                return Err(self.get().held());
            }
        }
    }

    async fn exits_within(&self, limit: Duration) -> Result<bool, Error> {
        let Ok(polled) = timeout(limit, self.process.readable()).await else { return Ok(false) };
        let mut ready = polled.map_err(|error| failed(self.get(), Step::Wait, &error))?;
        let is_alive = self.is_alive()?;
        if is_alive {
            // tokio may report a descriptor that is not ready.
            ready.clear_ready();
        }
        Ok(!is_alive)
    }
}

/// A process that could not be registered, with the error.
pub(super) struct Unregistered(pub(super) Box<(crate::Process, Error)>);

impl Unregistered {
    fn new(process: crate::Process, error: &io::Error) -> Self {
        let error = failed(&process, Step::Prepare, error);
        Self(Box::new((process, error)))
    }
}

/// The error of a call of tokio. It has no errno if the runtime has shut down.
pub(super) fn failed(process: &crate::Process, step: Step, error: &io::Error) -> Error {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::CANCELED);
    process.failed(step, errno)
}

impl TryFrom<crate::Process> for Process {
    type Error = Error;

    /// Registers a handle with the current runtime.
    ///
    /// # Errors
    /// [`Step::Prepare`]: the descriptors cannot be registered. The handle is dropped.
    ///
    /// # Panics
    /// The caller is outside a runtime of tokio with I/O enabled.
    fn try_from(process: crate::Process) -> Result<Self, Error> {
        Self::register(process).map_err(|unregistered| unregistered.0.1)
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd()
    }
}

impl From<&Process> for Target {
    fn from(process: &Process) -> Self {
        Self::from(process.get())
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
