//! The handle of a started process.

mod detach;
mod hangup;
mod join;
mod orphans;
mod output;
mod signal;
mod sigpipe;
mod status;
mod transfer;
mod tree;
mod unreaped;
mod usage;

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ns_sys::{Signal, pidfd_send_signal};

pub(crate) use hangup::{
    KILLED, LONG_ENOUGH, has_hung_up, is_readable_until, is_readable_within, kill_and_wait,
    poll_until, try_reap,
};
#[cfg(feature = "tokio")]
pub(crate) use join::{TRACED, TRACED_ROUND, sweep_interval};
pub(crate) use orphans::{Orphan, Orphans, orphans, reap_later, sweep};

pub use orphans::reap;
pub use output::{LimitedOutput, OutputLimit};
pub(crate) use tree::Tree;
pub use usage::{Usage, UsageLost};

/// A handle of a started process.
///
/// It holds a pidfd, so it never refers to another process. All methods can be called from any thread, any number of
/// times.
///
/// ```
/// use std::time::Duration;
///
/// use ns_process::Container;
///
/// let process = Container::new("sleep").arg("1000").start()?;
/// assert_eq!(process.join_timeout(Duration::from_millis(10))?, None);
/// process.kill()?;
/// process.join()?;
/// assert_eq!(process.exit_code()?, Some(-9));
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// Dropping the handle does not kill the process. If the process has exited it is reaped at once, otherwise by a later
/// start, wait, drop or [`reap`]. Dropping the handle of an [`Inject`](crate::Inject) kills and reaps the process: a
/// zombie would keep the joined pid namespace alive. The drop waits at most 50 ms for the exit, which a tracer or a
/// file system that does not respond can delay. A later call then reaps the process.
pub struct Process {
    name: Arc<str>,
    pid: u32,
    /// `None` only during drop.
    pidfd: Option<OwnedFd>,
    drop_policy: DropPolicy,
    /// The caller's ends of piped streams.
    pipes: [Option<OwnedFd>; 3],
    /// The eventfd to which the init writes the status of the program.
    init: Option<OwnedFd>,
    /// The largest output of a stream that is read.
    output_limit: Option<usize>,
    tree: Tree,
    /// What is known of its end: the kernel returns the status and the usage only once.
    end: Mutex<End>,
}

/// The end of a process.
#[derive(Clone, Copy, Default)]
struct End {
    /// The status, once it is known.
    status: Option<ExitStatus>,
    /// The usage, once the process is reaped.
    usage: Option<ns_sys::Usage>,
    /// Whether its resident set is not that of the caller, once it was compared.
    is_max_rss_exact: Option<bool>,
    /// Why the process has exited, but its usage is not known.
    lost: Option<UsageLost>,
}

/// What dropping the handle does.
#[derive(Clone, Copy)]
pub(crate) struct DropPolicy {
    /// Whether dropping the handle kills the process.
    pub(crate) kill_on_drop: bool,
    /// Whether dropping the handle kills the process and waits for its exit.
    pub(crate) reap_on_drop: bool,
    /// Whether the process is not the caller's child, and another process reaps it.
    pub(crate) is_sibling: bool,
}

impl Process {
    pub(crate) fn new(
        name: Arc<str>,
        (pid, pidfd): (u32, OwnedFd),
        drop_policy: DropPolicy,
    ) -> Self {
        Self {
            name,
            pid,
            pidfd: Some(pidfd),
            drop_policy,
            pipes: [None, None, None],
            init: None,
            output_limit: None,
            tree: Tree::Process,
            end: Mutex::default(),
        }
    }

    pub(crate) fn with_pipes(mut self, pipes: [Option<OwnedFd>; 3]) -> Self {
        self.pipes = pipes;
        self
    }

    /// Whether it is the init of the program.
    pub(crate) fn has_init(&self) -> bool {
        self.init.is_some()
    }

    /// Replaces the pipes of the streams that have a new one.
    pub(crate) fn with_pipes_over(mut self, pipes: [Option<OwnedFd>; 3]) -> Self {
        for (pipe, new) in self.pipes.iter_mut().zip(pipes) {
            *pipe = new.or(pipe.take());
        }
        self
    }

    pub(crate) fn with_init(mut self, status: Option<OwnedFd>) -> Self {
        self.init = status;
        self
    }

    pub(crate) fn with_output_limit(mut self, limit: Option<usize>) -> Self {
        self.output_limit = limit;
        self
    }

    pub(crate) fn with_tree(mut self, tree: Tree) -> Self {
        self.tree = tree;
        self
    }

    /// The process ID in the caller's pid namespace, as std's `Child::id`.
    ///
    /// After the process is joined, another process may have this ID. [`signal`](Self::signal) never reaches that one.
    #[doc(alias = "ident")]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The label set by [`Builder::name`](crate::Builder::name).
    pub fn name(&self) -> &str {
        &self.name
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn output_limit(&self) -> Option<usize> {
        self.output_limit
    }

    /// Sets whether dropping the handle kills the process; returns the former value.
    pub(crate) fn set_kill_on_drop(&mut self, kill: bool) -> bool {
        std::mem::replace(&mut self.drop_policy.kill_on_drop, kill)
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pidfd of the process. It is readable (poll(2) `POLLIN`) once the process has exited.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        match &self.pidfd {
            Some(pidfd) => pidfd.as_fd(),
            None => unreachable!("only drop takes the pidfd"),
        }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd()
    }
}

/// For event loops that take a raw descriptor. The handle keeps owning it.
impl AsRawFd for Process {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd().as_raw_fd()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        sweep();
        let end = *self.end();
        let is_reaped = end.status.is_some() && end.lost != Some(UsageLost::Traced);
        let Some(pidfd) = self.pidfd.take().filter(|_| !is_reaped) else { return };
        if self.drop_policy.reap_on_drop {
            kill_and_wait(&pidfd);
        } else if self.drop_policy.kill_on_drop {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
        reap_later(Orphan::new(pidfd, None));
    }
}
