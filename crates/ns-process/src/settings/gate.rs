//! The socket through which another process releases a parked process.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::Builder;

/// # Gate
///
/// The release of a parked process by another process.
impl<Kind> Builder<Kind> {
    /// Lets a parked process wait for a connection to this listening socket, instead of its caller.
    ///
    /// [`release_at`](crate::release_at) releases the process, from any process that may write to the
    /// socket file. Dropping the handle kills the process; [`Parked::detach`](crate::Parked::detach) gives
    /// it up. It also outlives a caller that is killed in between: a runtime writes the process ID down
    /// in [`before_go`](Self::before_go), before the process waits.
    ///
    /// A connection can release the planned program, or end the process if it is closed during the
    /// release, and do nothing else. One that sends something else, or nothing for a second, is closed;
    /// it delays others meanwhile. The first release ends the listening: later connections are refused
    /// with `ECONNREFUSED`.
    ///
    /// `gate` is a Unix stream socket, bound to a path, such as a `UnixListener`. The permissions of
    /// the socket file and its directory decide who can release the process. Use one socket for one
    /// process, and close it in the caller, with the builder: while it is open there, a release of a
    /// process that was killed waits; see [`release_at_timeout`](crate::release_at_timeout). No end of a
    /// stream ends a process that is never released: kill it then.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check) of [`start_parked`](Self::start_parked): no such socket.
    /// A FIFO is refused because it could not return the error of execve(2), an abstract socket
    /// because every process of the network namespace could connect.
    ///
    /// # Examples
    /// ```
    /// use std::os::unix::net::UnixListener;
    ///
    /// use ns_process::{Container, release_at};
    ///
    /// let path = std::env::temp_dir().join(format!("gate-{}", std::process::id()));
    /// let mut container = Container::new("true");
    /// container.park_at(UnixListener::bind(&path)?);
    /// let parked = container.start_parked()?;
    /// // Usually in another process.
    /// release_at(&path)?;
    /// assert!(parked.process().join()?.success());
    /// std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # References
    /// unix(7).
    pub fn park_at(&mut self, gate: impl Into<OwnedFd>) -> &mut Self {
        self.gate = Some(Arc::new(gate.into()));
        self
    }

    /// The listening socket, if one is set.
    pub fn get_park_at(&self) -> Option<BorrowedFd<'_>> {
        self.gate.as_ref().map(|gate| gate.as_fd())
    }
}
