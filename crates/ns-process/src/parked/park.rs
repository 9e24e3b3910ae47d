//! The start of a parked process.

use std::format;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_fs::{Descriptors, Stdio};
use ns_sys::Errno;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::filter::{self, ForbiddenCalls};
use super::handle::Parked;
use super::listener::{self, Listener};
use super::planned::Planned;
use crate::error::Error;
use crate::hint;
use crate::plan::Plan;
use crate::settings::{Builder, Program, Work};
use crate::start::{begin, gate};
use crate::step::Step;

/// # Parked start
///
/// A start that stops before execve(2), and a later release.
impl<Kind> Builder<Kind> {
    /// Makes every step of the start except execve(2) of the program, and returns the waiting
    /// process. [`Parked::release`] then executes the program.
    ///
    /// The process has its namespaces, maps, root, IDs, capabilities, limits and filter. It waits in
    /// a static program of about a kilobyte, the gate, which uses about 24 KiB and none of the
    /// caller's memory, so the caller's "dumpable" attribute is free. The gate has one descriptor
    /// more than the program, the end of a socket, and with [`park_at`](Self::park_at) also the
    /// listening socket. It is killed by every signal that would kill the program. As process 1 of a pid namespace it ignores `SIGTERM` and other signals without a
    /// handler, except `SIGKILL` and `SIGSTOP` of the caller.
    ///
    /// If the caller exits, the process sees the end of the socket and exits too, unless it was
    /// [detached](Parked::detach) or [`park_at`](Self::park_at) is set. A copy of the caller's
    /// descriptors, as a closure or a forked child has, delays that until the copy exits.
    ///
    /// The program `/proc/self/exe` would be the gate itself: give the caller's own program by
    /// [`program_fd`](Self::program_fd). Whether the program exists is known at the release;
    /// [`Parked::lookup`] checks it before. A [`seccomp`](Self::seccomp) filter must also allow what
    /// the gate calls.
    /// [`start_timeout`](Self::start_timeout) limits the start, and then the release.
    ///
    /// # Errors
    /// As [`start`](Self::start), except for the program. [`Step::Check`](crate::Step::Check): a
    /// closure; a filter that forbids a call of the gate, with the names of the calls.
    ///
    /// # Kernel support
    /// As [`start`](Self::start).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("sh");
    /// container.args(["-c", "exit 3"]).namespaces([Namespace::User, Namespace::Pid]).map_zero();
    /// let parked = container.start_parked()?;
    /// println!("process {} waits", parked.pid());
    /// let process = parked.release()?;
    /// assert_eq!(process.join()?.code(), Some(3));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// execve(2), unix(7).
    pub fn start_parked(&self) -> Result<Parked, Error> {
        park(self.shared_plan()?)
    }
}

/// Starts the gate in place of the program of `plan`.
pub(crate) fn park(mut plan: Arc<Plan>) -> Result<Parked, Error> {
    let invalid = |message: String| Error::new(&plan.name, Step::Check).with_object(message);
    if plan.work.closure().is_some() {
        return Err(invalid("start_parked: a closure executes no program".to_owned()));
    }
    if plan.streams.is_shared() {
        return Err(invalid(
            "start_parked: CLONE_FILES shares the caller's descriptors".to_owned(),
        ));
    }
    if let Some(program) = plan.privileges.filter() {
        let refused = filter::refused(program, &plan);
        if !refused.is_empty() {
            let forbidden = refused.join(", ");
            return Err(invalid(format!("seccomp: forbids calls of a parked start: {forbidden}")));
        }
    }
    let address = plan.gate.as_ref().map(|gate| listener::address(gate.as_fd()));
    let address = address.transpose().map_err(invalid)?;
    let name = Arc::clone(&plan.name);
    let prepare = |errno| {
        let error = Error::new(&name, Step::Prepare).with_errno(errno).with_object("a gate");
        error.with_hint(hint::for_program_file(errno))
    };
    let (own, planned) = put_gate(Plan::sole(&mut plan), address).map_err(prepare)?;
    let process = begin(plan)?;
    Parked::new(process, own, planned)
}

/// Replaces the program of the plan by a gate. Returns the caller's end of its socket.
fn put_gate(plan: &mut Plan, address: Option<PathBuf>) -> Result<(OwnedFd, Planned), Errno> {
    let (own, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let descriptors = &mut plan.streams.descriptors;
    let number = place(descriptors, &theirs)?;
    let listener = plan.gate.take().map(|gate| place(descriptors, &gate)).transpose()?;
    let listener = listener.zip(address).map(|(number, address)| Listener { number, address });
    let file = plan.work.program().and_then(|program| program.file.clone());
    let file = file.map(|file| place(descriptors, &file)).transpose()?;
    let forbidden = ForbiddenCalls::of(plan.privileges.filter());
    let label = plan.privileges.take_label();
    let shown = plan.work.program().map(|program| program.argv().next().unwrap_or_default());
    let gate = Program::of_file(gate::make(number)?, &[c"parked", shown.unwrap_or_default()]);
    let Work::Program(program) = std::mem::replace(&mut plan.work, Work::Program(gate)) else {
        unreachable!("a closure was refused")
    };
    let mut planned = Planned::new(plan, program, label);
    (planned.gate, planned.listener, planned.file) = (number, listener, file);
    planned.forbidden = forbidden;
    Ok((own, planned))
}

/// Gives the child a duplicate of `file`, at a number that is free in the caller and that the
/// settings do not name.
fn place(descriptors: &mut Descriptors, file: &OwnedFd) -> Result<RawFd, Errno> {
    let mut copy = fcntl_dupfd_cloexec(file, 3)?;
    while descriptors.names(copy.as_raw_fd()) {
        copy = fcntl_dupfd_cloexec(file, copy.as_raw_fd() + 1)?;
    }
    let number = copy.as_raw_fd();
    descriptors.place(number, Stdio::fd(copy));
    Ok(number)
}
