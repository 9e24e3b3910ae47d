//! Starts that do not block the runtime.

use std::future::Future;
use std::panic::resume_unwind;
use std::prelude::rust_2024::*;
use std::process::{ExitStatus, Output};
use std::sync::Arc;
use std::time::Duration;

use ns_sys::Errno;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::Process;
use crate::error::Error;
use crate::plan::Plan;
use crate::process::{KILLED, LimitedOutput};
use crate::settings::Builder;
use crate::start::begin;
use crate::step::Step;

/// # Start with tokio
///
/// The same as [`start`](Self::start), [`status`](Self::status) and [`output`](Self::output), as futures; needs the
/// feature `tokio`. The settings are those at the time of the call, and the future does not borrow the builder.
impl<Kind> Builder<Kind> {
    /// Starts the program; see [`start`](Self::start).
    ///
    /// A start can take long, for example if a stream is a FIFO. It therefore runs on a thread of the runtime for
    /// blocking calls. The program inherits the attributes of that thread: CPU affinity, nice value and scheduling
    /// policy.
    ///
    /// In two cases the start runs on the thread that polls the future, and blocks it:
    /// - With [`die_with_parent`](Self::die_with_parent), because the program is killed when the thread that starts it
    ///   exits. The runtime ends idle threads for blocking calls. A worker thread exits with the runtime, and may exit
    ///   earlier after `block_in_place`.
    /// - For a closure: see [`Step::MultiThreaded`](crate::Step::MultiThreaded). In a program with threads, start it by
    ///   [`start_unchecked`](Self::start_unchecked), and convert the handle.
    ///
    /// If the future is dropped, a start that has begun still completes, and the process is then killed and reaped. The
    /// shutdown of the runtime waits for this; [`start_timeout`](Self::start_timeout) limits the wait.
    ///
    /// # Errors
    /// As [`start`](Self::start). Also [`Step::Prepare`](crate::Step::Prepare): the descriptors cannot be registered
    /// with the runtime; `ECANCELED`, the runtime is shutting down.
    ///
    /// # Panics
    /// The future is polled outside a runtime of tokio with I/O enabled; a [`before_go`](Self::before_go) hook
    /// panics.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ns_process::Error> {
    /// let mut container = Container::new("sh");
    /// container.args(["-c", "exit 3"]).namespaces([Namespace::User, Namespace::Pid]).map_zero();
    /// let process = container.start_async().await?;
    /// assert_eq!(process.join().await?.code(), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_async(&self) -> impl Future<Output = Result<Process, Error>> + Send + use<Kind> {
        start(self.shared_plan())
    }

    /// Starts the program and waits for its exit; see [`status`](Self::status).
    ///
    /// # Errors
    /// As [`start_async`](Self::start_async) and [`Process::join`].
    ///
    /// # Panics
    /// As [`start_async`](Self::start_async); time is not enabled in the runtime.
    pub fn status_async(
        &self,
    ) -> impl Future<Output = Result<ExitStatus, Error>> + Send + use<Kind> {
        let started = start(self.shared_plan());
        async { started.await?.join().await }
    }

    /// Starts the program, reads all of its output, and waits for its exit; see [`output`](Self::output).
    ///
    /// # Errors
    /// As [`start_async`](Self::start_async) and [`Process::wait_with_output`].
    ///
    /// # Panics
    /// As [`start_async`](Self::start_async); time is not enabled in the runtime.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ns_process::Error> {
    /// let (mut one, mut two) = (Container::new("echo"), Container::new("echo"));
    /// let (one, two) = (one.arg("1").output_async(), two.arg("2").output_async());
    /// let (one, two) = tokio::try_join!(one, two)?;
    /// assert_eq!((one.stdout, two.stdout), (b"1\n".to_vec(), b"2\n".to_vec()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn output_async(&self) -> impl Future<Output = Result<Output, Error>> + Send + use<Kind> {
        let started = start(self.plan_captured());
        async { started.await?.wait_with_output().await }
    }

    /// As [`output_async`](Self::output_async), for `limit` at most, and reports a reached limit as a value; see
    /// [`output_timeout`](Self::output_timeout).
    ///
    /// # Errors
    /// As [`start_async`](Self::start_async) and [`Process::wait_with_output_timeout`].
    ///
    /// # Panics
    /// As [`start_async`](Self::start_async); time is not enabled in the runtime.
    pub fn output_timeout_async(
        &self,
        limit: Duration,
    ) -> impl Future<Output = Result<LimitedOutput, Error>> + Send + use<Kind> {
        let started = start(self.plan_captured());
        async move { started.await?.wait_with_output_timeout(limit).await }
    }
}

async fn start(plan: Result<Arc<Plan>, Error>) -> Result<Process, Error> {
    let plan = plan?;
    let started = if needs_polling_thread(&plan) { begin(plan) } else { start_on_pool(plan).await };
    register(started?)
}

/// Registers the descriptors of a started process with the runtime.
pub(super) fn register(mut process: crate::Process) -> Result<Process, Error> {
    // Without I/O in the runtime the registration panics, and drops the handle.
    let kills = process.set_kill_on_drop(true);
    let mut process = Process::register(process).map_err(|unregistered| {
        let (process, error) = *unregistered.0;
        drop(Unclaimed(Some(process)));
        error
    })?;
    process.get_mut().set_kill_on_drop(kills);
    Ok(process)
}

/// Whether the start depends on the thread that makes it: the signal of `die_with_parent` comes when that thread
/// exits, and a closure is refused on a second thread.
pub(super) fn needs_polling_thread(plan: &Plan) -> bool {
    plan.session.die_with_parent.is_some() || plan.work.closure().is_some()
}

async fn start_on_pool(plan: Arc<Plan>) -> Result<crate::Process, Error> {
    let name = Arc::clone(&plan.name);
    start_by(&name, move || begin(plan)).await
}

/// Starts a process on a thread of the runtime for blocking calls.
pub(super) async fn start_by(
    name: &str,
    start: impl FnOnce() -> Result<crate::Process, Error> + Send + 'static,
) -> Result<crate::Process, Error> {
    let start = move || start().map(|process| Unclaimed(Some(process)));
    on_pool(name, start).await.map(Unclaimed::claim)
}

/// Runs `work` on a thread of the runtime for blocking calls. If the future is dropped before that, it is not run.
pub(super) async fn on_pool<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let mut task = Task(spawn_blocking(work));
    (&mut task.0).await.unwrap_or_else(|error| Err(not_run(name, error)))
}

/// A start on the pool. If it is dropped before a thread is free, the start is not made.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The error of a start that the runtime did not run. A panic of a hook continues in the caller.
fn not_run(name: &str, error: JoinError) -> Error {
    if error.is_panic() {
        resume_unwind(error.into_panic());
    }
    let error = Error::new(name, Step::Prepare).with_errno(Errno::CANCELED);
    error.with_object("the runtime is shutting down")
}

/// A started process that the caller does not hold yet. Drop kills and reaps it: the future was dropped.
struct Unclaimed(Option<crate::Process>);

impl Unclaimed {
    fn claim(mut self) -> crate::Process {
        self.0.take().expect("taken once")
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(process) = &self.0 {
            let _ = process.kill();
            // If it has not exited by then, a later start, drop or `reap` reaps it.
            let _ = process.join_timeout(KILLED);
        }
    }
}
