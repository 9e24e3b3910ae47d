//! The time limit of a start, the limit of the output, and the effect of dropping the handle.

use std::time::Duration;

use super::Builder;

/// The requested limits, and the drop policy.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) output_limit: Option<usize>,
    pub(crate) kill_on_drop: bool,
}

/// # Lifecycle
///
/// The time limit of a start, the limit of the output, and the effect of dropping the handle.
impl<Kind> Builder<Kind> {
    /// Limits the duration of [`start`](Self::start), from its first open to execve(2); by default
    /// it is unlimited.
    ///
    /// When the limit expires, the child is killed and the start fails as
    /// [`Step::StartTimeout`](crate::Step::StartTimeout). A start takes less than a millisecond,
    /// unless:
    /// - a process that may signal the child stops it, or its cgroup is frozen;
    /// - the file system of the program is slow or does not respond;
    /// - a stream is a FIFO without a peer;
    /// - a helper that writes maps is slow.
    ///
    /// The start returns at the limit, or 50 ms later. If the child has not exited by then, a later
    /// start, drop or [`reap`](crate::reap) reaps it. Until then, the memory that it may use stays
    /// allocated, and the "dumpable" attribute stays cleared if the start has cleared it.
    ///
    /// The limit does not interrupt a hook, the flush of std's streams by a start that copies
    /// memory, or the search for directories of roots, mounts and the target on a file system that
    /// does not respond.
    ///
    /// # Errors
    /// [`Step::StartTimeout`](crate::Step::StartTimeout), `ETIMEDOUT`, of the start.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("true");
    /// assert!(container.start_timeout(Duration::from_secs(2)).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn start_timeout(&mut self, limit: Duration) -> &mut Self {
        self.lifetime.start_timeout = Some(limit);
        self
    }

    /// Limits the output that is read of each of stdout and stderr; by default it is unlimited.
    ///
    /// If the program writes more than `bytes` to one of them, it is killed, together with all processes that
    /// [`Process::kill_tree`](crate::Process::kill_tree) kills. [`output_timeout`](Self::output_timeout) then returns
    /// the first `bytes`; [`output`](Self::output) fails. The limit applies to streams that the handle reads. It does
    /// not apply to a stream that was taken, to the caller's own stream or to a file; for files, see `RLIMIT_FSIZE`.
    ///
    /// # Errors
    /// [`Step::Output`](crate::Step::Output), without an errno, of `output`,
    /// [`Process::wait_with_output`](crate::Process::wait_with_output) and
    /// [`Process::wait_with_input`](crate::Process::wait_with_input).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Step};
    ///
    /// let mut container = Container::new("yes");
    /// let error = container.output_limit(1 << 20).output().unwrap_err();
    /// assert_eq!(error.step(), Step::Output);
    /// ```
    pub fn output_limit(&mut self, bytes: usize) -> &mut Self {
        self.lifetime.output_limit = Some(bytes);
        self
    }

    /// Sets whether dropping the [`Process`](crate::Process) kills it by `SIGKILL`; by default it
    /// continues.
    ///
    /// As with [`Process::kill`](crate::Process::kill), its descendants end only with a new pid
    /// namespace.
    ///
    /// In both cases an exited process is reaped by a later start, drop or [`reap`](crate::reap). A
    /// process that is killed in the pid namespace of another process is reaped by the drop itself,
    /// because a zombie would keep that namespace from ending. That drop blocks for at most 50 ms.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// drop(Container::new("sleep").arg("1000").kill_on_drop(true).start()?);
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn kill_on_drop(&mut self, kill: bool) -> &mut Self {
        self.lifetime.kill_on_drop = kill;
        self
    }

    /// The time limit of a start, if one is set.
    pub fn get_start_timeout(&self) -> Option<Duration> {
        self.lifetime.start_timeout
    }

    /// The limit of the output of each stream, if one is set.
    pub fn get_output_limit(&self) -> Option<usize> {
        self.lifetime.output_limit
    }

    /// Whether dropping the handle kills the process.
    pub fn get_kill_on_drop(&self) -> bool {
        self.lifetime.kill_on_drop
    }
}
