//! The handle of a started process.

mod abandoned;
mod hangup;
mod init;
mod join;
mod output;
mod signal;
mod status;
mod unreaped;

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::process::ExitStatus;
use std::sync::Mutex;

use ns_sys::{Signal, WaitFlags, pidfd_send_signal, waitid_pidfd};

pub(crate) use abandoned::{Abandoned, abandoned, sweep};
pub(crate) use hangup::{LONG_ENOUGH, has_hung_up, is_readable_within};

pub use abandoned::reap;

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
/// Dropped, it neither kills nor blocks: the process is reaped if it has ended, and otherwise by a
/// later start, drop or [`reap`]. That of an [`Inject`](crate::Inject) kills and reaps: unreaped, the
/// process would keep the pid namespace that it entered from ending.
pub struct Process {
    name: String,
    pid: u32,
    /// `None` only while it is dropped.
    pidfd: Option<OwnedFd>,
    tie: Tie,
    /// The caller's ends of piped streams.
    pipes: [Option<OwnedFd>; 3],
    /// Where an init tells how the program beside it ended.
    init: Option<OwnedFd>,
    /// How it ended, once that is known: the kernel tells it once.
    status: Mutex<Option<ExitStatus>>,
}

/// How the process is tied to the handle and the caller.
#[derive(Clone, Copy)]
pub(crate) struct Tie {
    /// Whether its end is the handle's.
    pub(crate) kill_on_drop: bool,
    /// Whether dropping the handle ends it and waits for that.
    pub(crate) reap_on_drop: bool,
    /// Whether the caller's parent reaps it, and not the caller.
    pub(crate) is_sibling: bool,
}

impl Process {
    pub(crate) fn new(name: String, (pid, pidfd): (u32, OwnedFd), tie: Tie) -> Self {
        Self {
            name,
            pid,
            pidfd: Some(pidfd),
            tie,
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
        let known = self.status.get_mut().is_ok_and(|status| status.is_some());
        if let Some(pidfd) = self.pidfd.take().filter(|_| !known) {
            if self.tie.kill_on_drop || self.tie.reap_on_drop {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
            }
            if self.tie.reap_on_drop {
                let _ = waitid_pidfd(&pidfd, WaitFlags::ALL);
                return;
            }
            abandoned::leave(pidfd);
        }
    }
}
