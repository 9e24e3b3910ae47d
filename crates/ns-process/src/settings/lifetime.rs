//! How long a start may take, and what the end of the handle does.

use std::time::Duration;

use super::Builder;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) kill_on_drop: bool,
}

impl<Kind> Builder<Kind> {
    /// Bounds [`start`](Self::start) itself, from its first open to the exec. When the limit is over the child is
    /// killed, and the start fails as [`Step::StartTimeout`](crate::Step::StartTimeout).
    ///
    /// A start takes less than a millisecond. It takes longer, without a limit for as long as that lasts, where
    /// - a process that may signal the child stops it, or a frozen cgroup is its own;
    /// - the program lies on a file system that is slow or does not answer;
    /// - a stream is a FIFO without a peer;
    /// - a helper that writes maps is slow.
    ///
    /// The error comes at the limit, or 50 ms later. A child that does not end by then is reaped by a later start,
    /// drop or [`reap`](crate::reap). Until then what it may use of the caller's memory is kept, and the "dumpable"
    /// attribute stays cleared, if the start has cleared it.
    ///
    /// The limit does not interrupt a hook, a start that copies memory while it writes out std's streams, or the
    /// search for directories of roots, mounts and the target on a file system that does not answer.
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

    /// Whether dropping the [`Process`](crate::Process) kills it, as by `SIGKILL`; by default it lives
    /// on. Either way it is reaped when it has ended, by a later start, drop or
    /// [`reap`](crate::reap); one that is killed in the pid namespace of another process by the drop
    /// itself, because unreaped it would keep that namespace from ending.
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

    /// The bound of a start, if one is set.
    pub fn get_start_timeout(&self) -> Option<Duration> {
        self.lifetime.start_timeout
    }

    /// Whether dropping the handle kills.
    pub fn get_kill_on_drop(&self) -> bool {
        self.lifetime.kill_on_drop
    }
}
