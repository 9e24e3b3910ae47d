//! Processes that are parked before they are needed.

mod refill;
mod state;

use std::format;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, mem, process, thread};

use ns_sys::{Errno, NamespaceFlags};

use super::handle::{Parked, Unreleased};
use crate::error::Error;
use crate::plan::Plan;
use crate::process::Process;
use crate::resource::Resource;
use crate::settings::{Builder, Payload};
use crate::start::resource_limit::soft_limit;
use crate::step::Step;
use state::State;

pub use state::PoolStats;

/// The descriptors of a parked process in the caller: its pidfd, its gate, its name, and the status
/// of an init.
const DESCRIPTORS: u64 = 4;

/// Parked processes of one description, each for one program.
///
/// A thread of the pool keeps `size` processes parked: a start then costs the release only. Each
/// start gets new namespaces, as a start without a pool; nothing is used twice. The payloads may
/// differ in data only: see [`Payload`].
///
/// All methods can be called from several threads at once. Dropping the pool kills and reaps the
/// processes that are still parked, and waits for the end of its thread, which may be in a start;
/// released programs continue, also if the caller is killed.
///
/// The processes are parked by the thread of the pool, or by the calling thread if none is parked; hooks
/// run there. The environment of the caller is that at the time when a process was parked. A forked copy
/// of the caller cannot start from the pool, and dropping the pool there kills nothing.
///
/// Parked processes count for `RLIMIT_NPROC` of their user. A program with the same user as a parked
/// process, and in no other user and pid namespace, may trace, stop or kill it: give each program new
/// ones, as in the example.
///
/// # Examples
/// ```
/// use ns_process::{Container, Namespace, Payload, Pool, Stdio};
///
/// let mut container = Container::new("sh");
/// container.namespaces([Namespace::User, Namespace::Pid, Namespace::Net]).map_zero();
/// let pool = Pool::new(container, 4)?;
/// for job in ["1", "2"] {
///     let mut payload = Payload::new();
///     payload.args(["-c", "echo job $1", "sh", job]).stdout(Stdio::piped());
///     let output = pool.start(&payload)?.wait_with_output()?;
///     assert_eq!(output.stdout, format!("job {job}\n").as_bytes());
/// }
/// # Ok::<(), ns_process::Error>(())
/// ```
pub struct Pool {
    state: Arc<State>,
    /// Starts a parked process of the description of the pool.
    park: Arc<dyn Fn() -> Result<Parked, Error> + Send + Sync>,
    thread: Option<JoinHandle<()>>,
    owner: u32,
}

impl Pool {
    /// Makes a pool of `size` processes, and begins to park them. Does not wait for them.
    ///
    /// The pool takes the builder itself, not the reference that its setters return.
    ///
    /// # Errors
    /// - [`Step::Check`], as of [`start_parked`](Builder::start_parked). Also: a `size` of 0;
    ///   [`park_at`](Builder::park_at); [`die_with_parent`](Builder::die_with_parent); a
    ///   [`console`](Builder::console); a [`seccomp_listener`](Builder::seccomp_listener); a [`cgroup`](Builder::cgroup) without a new pid namespace,
    ///   because [`kill_tree`](Process::kill_tree) of one program would kill all others; more
    ///   processes than half of `RLIMIT_NOFILE` allows, with four descriptors for each.
    /// - [`Step::Prepare`], `EAGAIN`: no thread can be started.
    pub fn new<Kind: 'static>(builder: Builder<Kind>, size: usize) -> Result<Self, Error> {
        check(&builder.plan()?, size)?;
        let name = Arc::clone(&builder.name);
        let park: Arc<dyn Fn() -> Result<Parked, Error> + Send + Sync> =
            Arc::new(move || builder.start_parked());
        let state = Arc::new(State::new(Arc::clone(&name), size));
        let refill = {
            let (state, park) = (Arc::clone(&state), Arc::clone(&park));
            move || refill::run(&state, &*park)
        };
        let thread = thread::Builder::new().name("ns-pool".to_owned()).spawn(refill);
        let thread = thread.map_err(|error| {
            let error = Errno::from_io_error(&error);
            Error::new(&name, Step::Prepare).with_errno(error).with_object("a thread")
        })?;
        Ok(Self { state, park, thread: Some(thread), owner: process::id() })
    }

    /// Executes the program with the changes of `payload` in a parked process, and returns its handle.
    ///
    /// If no process is parked, this parks one itself, as [`start_parked`](Builder::start_parked). A
    /// process that has ended while it was parked is not used; then another one is. On `Ok` the
    /// program has been executed once.
    ///
    /// # Errors
    /// As [`start_parked`](Builder::start_parked) and [`Parked::release_with`]. An invalid payload
    /// costs no parked process.
    pub fn start(&self, payload: &Payload) -> Result<Process, Error> {
        let started = self.try_start(payload);
        // Not before: the thread would compete with the release for CPUs and for locks of the kernel.
        self.state.refill();
        started
    }

    fn try_start(&self, payload: &Payload) -> Result<Process, Error> {
        // More dead processes than the pool has are no accident, and a second death after the list
        // was sent may come from the payload.
        let (mut dead, mut died) = (self.state.size(), 1);
        loop {
            match self.take_or_park()?.try_release_with(payload) {
                Ok(process) => return Ok(process),
                Err(Unreleased::Ended(_)) if dead > 0 => dead -= 1,
                Err(Unreleased::EndedDuring(_)) if died > 0 => died -= 1,
                Err(Unreleased::Unsent(parked, error)) => {
                    self.state.put_back(parked);
                    return Err(error);
                }
                Err(
                    Unreleased::Ended(error)
                    | Unreleased::EndedDuring(error)
                    | Unreleased::Failed(error),
                ) => return Err(error),
            }
            self.state.count_dead();
        }
    }

    /// Takes a parked process out of the pool, for example to act on it before its release. If none
    /// is parked, this parks one itself.
    ///
    /// # Errors
    /// As [`start_parked`](Builder::start_parked).
    pub fn take(&self) -> Result<Parked, Error> {
        let taken = self.take_or_park();
        self.state.refill();
        taken
    }

    fn take_or_park(&self) -> Result<Parked, Error> {
        if self.owner != process::id() {
            // The processes belong to the original, which may use them too.
            let message = "Pool: a forked copy of the caller cannot start from it";
            return Err(Error::new(&self.state.name, Step::Check).with_object(message));
        }
        match self.state.take() {
            Some(parked) => Ok(parked),
            None => (self.park)(),
        }
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn name(&self) -> &str {
        &self.state.name
    }

    /// Waits until all `size` processes are parked, for `limit` at most; whether they are.
    ///
    /// # Errors
    /// The error of the last attempt to park one, if the pool waits before the next.
    pub fn wait_ready(&self, limit: Duration) -> Result<bool, Error> {
        self.state.wait_full(Instant::now().checked_add(limit))
    }

    /// What the pool has and has done.
    pub fn stats(&self) -> PoolStats {
        self.state.stats()
    }

    /// The error of the last attempt of its thread to park a process; `None` once one succeeds. The
    /// thread tries again after a pause, from 10 ms to one second.
    pub fn last_error(&self) -> Option<Error> {
        self.state.last_error()
    }
}

fn check(plan: &Plan, size: usize) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::new(&plan.name, Step::Check).with_object(message));
    if size == 0 {
        return invalid("Pool::new: the size is 0".to_owned());
    }
    if plan.gate.is_some() {
        return invalid("park_at: one socket cannot release the processes of a pool".to_owned());
    }
    if plan.console.is_set() {
        let message = "console: the terminals of a pool would be sent in no known order";
        return invalid(message.to_owned());
    }
    if plan.privileges.seccomp.listener().is_some() {
        let message = "seccomp_listener: the listeners of a pool would be sent in no known order";
        return invalid(message.to_owned());
    }
    if plan.session.die_with_parent.is_some() {
        let message = "die_with_parent: the parent of the processes is a thread of the pool";
        return invalid(message.to_owned());
    }
    if plan.work.closure().is_some() {
        return invalid("Pool::new: a closure executes no program".to_owned());
    }
    if plan.cgroup.is_some() && !plan.namespaces().contains(NamespaceFlags::PID) {
        let message = "cgroup: all programs of a pool share it, and without a pid namespace \
                       kill_tree of one would kill all";
        return invalid(message.to_owned());
    }
    let limit = soft_limit(Resource::Nofile).unwrap_or(u64::MAX);
    let needed = DESCRIPTORS.saturating_mul(size as u64);
    if needed > limit / 2 {
        return invalid(format!(
            "Pool::new: {size} processes need {needed} descriptors, more than half of \
             RLIMIT_NOFILE, which is {limit}"
        ));
    }
    Ok(())
}

/// Kills and reaps the parked processes, and ends the thread.
impl Drop for Pool {
    fn drop(&mut self) {
        let thread = self.thread.take();
        if process::id() == self.owner {
            self.state.close();
            let is_other = |thread: &JoinHandle<()>| thread.thread().id() != thread::current().id();
            // A panic of the thread has been printed; nothing is left to do about it.
            let _ = thread.filter(is_other).map(JoinHandle::join);
        } else {
            // The forked copy has no such thread, and its locks may be held.
            mem::forget((thread, Arc::clone(&self.state)));
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
