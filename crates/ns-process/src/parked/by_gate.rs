//! The release of a parked process by another process than its caller.

use std::format;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};

use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::answer::{Observed, Refusal, wait_for_exec};
use super::planned::Planned;
use super::report::{FailedStep, RELEASE};
use super::send::send_bytes;
use crate::error::Error;
use crate::hint;
use crate::step::Step;

/// Releases the process that waits at this socket file: see
/// [`park_at`](crate::Builder::park_at). On `Ok` the program has been executed, or was killed while it was
/// being executed.
///
/// Any process that may write to the file can call this, also as another user or in other
/// namespaces. Blocks until execve(2) has succeeded or failed.
///
/// The answer comes from the process that listens there. Another program at this path can answer as
/// a parked process does, so `Ok` proves an execution only if no other user can replace the file. A
/// wrong answer has no other effect: it is limited to about a megabyte, and does not delay the
/// call beyond [its limit](release_at_timeout).
///
/// # Errors
/// - [`Step::Exec`] and the other steps of a release, as of
///   [`Parked::release`](crate::Parked::release), with fewer hints. Then the process has exited.
///   Without an errno, it was killed, or another release that began at the same time was first.
/// - [`Step::Release`]: `ENOENT`, no such file; `ECONNREFUSED` or `EPIPE`, the process was released
///   before, or has ended; `EACCES`, the file may not be written; `EPROTO`, another program listens there.
///
/// # Kernel support
/// Linux 5.5, judged by the system calls that it makes.
///
/// # References
/// unix(7), execve(2).
pub fn release_at(path: impl AsRef<Path>) -> Result<(), Error> {
    at(path.as_ref(), None)
}

/// As [`release_at`], for at most `limit`.
///
/// # Errors
/// As [`release_at`]. [`Step::StartTimeout`]: the limit has expired, because the process is stopped,
/// was killed while another process has the socket open, or is executing a program on a slow file
/// system. It may still execute the program; a process that has not taken the release by then exits
/// instead, because its answer has no receiver.
pub fn release_at_timeout(path: impl AsRef<Path>, limit: Duration) -> Result<(), Error> {
    at(path.as_ref(), Instant::now().checked_add(limit))
}

/// Releases the process that was given up by [`Parked::detach`](crate::Parked::detach), through its
/// gate. On `Ok` the program has been executed, or was killed while it was being executed.
///
/// Blocks until then; a copy of the process's own end of the gate, as a forked process may have, extends
/// the wait until that process exits. [`release_by_timeout`] has a limit.
///
/// # Errors
/// As [`release_at`]. `EPIPE` or `ECONNRESET` of [`Step::Release`]: the process was released before,
/// or has ended.
///
/// # Examples
/// ```
/// use ns_process::{Container, release_by};
///
/// let parked = Container::new("true").start_parked()?;
/// let gate = parked.detach()?;
/// // Usually in another process, which has received the gate.
/// release_by(&gate)?;
/// # Ok::<(), ns_process::Error>(())
/// ```
pub fn release_by(gate: impl AsFd) -> Result<(), Error> {
    ask(gate.as_fd(), "the gate", None, None)
}

/// As [`release_by`], for at most `limit`.
///
/// # Errors
/// As [`release_by`]. [`Step::StartTimeout`]: the limit has expired. While the gate is open, the process
/// may still execute the program; then a later call fails with `EPIPE`.
pub fn release_by_timeout(gate: impl AsFd, limit: Duration) -> Result<(), Error> {
    ask(gate.as_fd(), "the gate", None, Instant::now().checked_add(limit))
}

/// Releases the process of `planned` through its listening socket.
pub(super) fn release_through(planned: &Planned, observed: &Observed<'_>) -> Result<(), Error> {
    let Some(listener) = &planned.listener else { return Ok(()) };
    let deadline = planned.deadline();
    let name = &planned.name;
    let connected = open(&listener.address, deadline);
    let connection = connected.map_err(|errno| failed(name, errno))?;
    ask(connection.as_fd(), name, Some(observed), deadline)
}

fn at(path: &Path, deadline: Option<Instant>) -> Result<(), Error> {
    let name = path.display().to_string();
    let connection = open(path, deadline).map_err(|errno| failed(&name, errno))?;
    ask(connection.as_fd(), &name, None, deadline)
}

fn open(path: &Path, deadline: Option<Instant>) -> Result<OwnedFd, Errno> {
    // The kernel would take it for an abstract address.
    if path.as_os_str().is_empty() {
        return Err(Errno::NOENT);
    }
    match SocketAddrUnix::new(path) {
        Ok(address) => connect_to(&address, deadline),
        // An address holds 107 bytes.
        Err(Errno::NAMETOOLONG) => {
            let file = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
            let short = format!("/proc/self/fd/{}", file.as_raw_fd());
            connect_to(&SocketAddrUnix::new(short)?, deadline)
        }
        Err(errno) => Err(errno),
    }
}

fn connect_to(address: &SocketAddrUnix, deadline: Option<Instant>) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    if let Some(deadline) = deadline {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        set_socket_timeout(&socket, Timeout::Send, Some(left))?;
    }
    match connect(&socket, address) {
        // The queue of the socket was full until the limit.
        Err(Errno::AGAIN) => Err(Errno::TIMEDOUT),
        connected => connected.map(|()| socket),
    }
}

fn ask(
    gate: BorrowedFd<'_>,
    name: &str,
    observed: Option<&Observed<'_>>,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    let sent = send_bytes(gate, &RELEASE.to_le_bytes(), deadline);
    sent.map_err(|errno| failed(name, errno))?;
    wait_for_exec(gate, observed, deadline).map_err(|refusal| refused(name, refusal))
}

fn refused(name: &str, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Step(FailedStep { step, errno, object, is_search: true }) => {
            let error = Error::new(name, step).with_errno(errno);
            let program = Path::new(&object).file_name().unwrap_or_default();
            error.with_object(program.to_string_lossy()).with_hint(Some("no such program in PATH"))
        }
        Refusal::Step(FailedStep { step, errno, object, is_search: false }) => {
            let error = Error::new(name, step).with_errno(errno);
            let error = error.with_hint(hint::for_step(step, errno));
            if object.is_empty() { error } else { error.with_object(object) }
        }
        // A connection that another release has overtaken is closed as well.
        Refusal::Ended => Error::new(name, Step::Exec).with_object(
            "the parked process was released by another process, or ended before it executed",
        ),
        Refusal::Late | Refusal::Unanswered => failed(name, Errno::TIMEDOUT),
        Refusal::Invalid(errno) => failed(name, errno),
    }
}

fn failed(name: &str, errno: Errno) -> Error {
    let step = if errno == Errno::TIMEDOUT { Step::StartTimeout } else { Step::Release };
    let hint = match errno {
        Errno::CONNREFUSED | Errno::PIPE | Errno::CONNRESET => {
            Some("the process was released before, or has ended")
        }
        Errno::PROTO => Some("no parked process is at the other end"),
        _ => None,
    };
    Error::new(name, step).with_errno(errno).with_hint(hint)
}
