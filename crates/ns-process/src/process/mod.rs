//! The handle of a started process.

mod hangup;
mod init;
mod join;
mod orphans;
mod output;
mod signal;
mod status;
mod unreaped;

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::process::ExitStatus;
use std::sync::Mutex;

use ns_sys::{Signal, pidfd_send_signal};

pub(crate) use hangup::{
    KILLED, LONG_ENOUGH, ends, has_hung_up, is_readable_until, is_readable_within, is_reaped,
};
pub(crate) use orphans::{Orphan, Orphans, leave, orphans, sweep};

pub use orphans::reap;

/// A started process, held by a descriptor: it can be joined, signalled and asked from any thread,
/// any number of times, and never comes to mean another one.
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
/// Dropping it does not kill the process. It is reaped at once if it has ended, and otherwise by a later start,
/// drop or [`reap`]. Dropping the handle of an [`Inject`](crate::Inject) kills the process and reaps it: unreaped,
/// it would keep the pid namespace that it entered from ending. That waits 50 ms at most, because the end of a
/// process can be held up: by its tracer, or by a file system that does not answer. A later call reaps it then.
pub struct Process {
    name: String,
    pid: u32,
    /// `None` only while it is dropped.
    pidfd: Option<OwnedFd>,
    drop_policy: DropPolicy,
    /// The caller's ends of piped streams.
    pipes: [Option<OwnedFd>; 3],
    /// Where an init tells how the program beside it ended.
    init: Option<OwnedFd>,
    /// How it ended, once that is known: the kernel tells it once.
    status: Mutex<Option<End>>,
}

/// The end of a process.
#[derive(Clone, Copy)]
struct End {
    status: ExitStatus,
    /// Whether it is still to be reaped: a tracer has it.
    is_kept: bool,
}

/// How the process is tied to the handle and the caller.
#[derive(Clone, Copy)]
pub(crate) struct DropPolicy {
    /// Whether its end is the handle's.
    pub(crate) kill_on_drop: bool,
    /// Whether dropping the handle ends it and waits for that.
    pub(crate) reap_on_drop: bool,
    /// Whether the caller's parent reaps it, and not the caller.
    pub(crate) is_sibling: bool,
}

impl Process {
    pub(crate) fn new(name: String, (pid, pidfd): (u32, OwnedFd), drop_policy: DropPolicy) -> Self {
        Self {
            name,
            pid,
            pidfd: Some(pidfd),
            drop_policy,
            pipes: [None, None, None],
            init: None,
            status: Mutex::new(None),
        }
    }

    pub(crate) fn with_pipes(mut self, pipes: [Option<OwnedFd>; 3]) -> Self {
        self.pipes = pipes;
        self
    }

    pub(crate) fn with_init(mut self, status: Option<OwnedFd>) -> Self {
        self.init = status;
        self
    }

    /// The id of the process in the caller's pid namespace, as std's `Child::id`.
    ///
    /// It may mean another process once this one was joined; [`signal`](Self::signal) cannot.
    #[doc(alias = "ident")]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The label of the builder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A descriptor of the process, readable for poll(2) once it has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        match &self.pidfd {
            Some(pidfd) => pidfd.as_fd(),
            None => unreachable!("taken by drop alone"),
        }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd()
    }
}

/// For event loops that ask for a number; it stays this handle's.
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
        let end = self.status.get_mut().ok().copied().flatten();
        let is_reaped = end.is_some_and(|end| !end.is_kept);
        let Some(pidfd) = self.pidfd.take().filter(|_| !is_reaped) else { return };
        if self.drop_policy.reap_on_drop {
            ends(&pidfd);
        } else if self.drop_policy.kill_on_drop {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
        leave(Orphan::new(pidfd, None));
    }
}
