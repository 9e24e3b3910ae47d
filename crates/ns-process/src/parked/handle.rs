//! The handle of a parked process.

use std::boxed::Box;
use std::os::fd::OwnedFd;
#[cfg(test)]
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;
use std::time::Instant;
use std::{fmt, process};

use ns_sys::{Signal, pidfd_send_signal};

use super::answer::Refusal;
use super::planned::Planned;
use super::waiting::Waiting;
use crate::error::Error;
use crate::process::{Process, is_readable_until};
use crate::settings::Payload;

/// A process that has made every step of a start except execve(2); see
/// [`Builder::start_parked`](crate::Builder::start_parked).
///
/// Dropping it kills and reaps the process; with [`park_at`](crate::Builder::park_at) also if another
/// process has released it. [`detach`](Self::detach) gives the process up instead.
pub struct Parked {
    /// `None` once it was released or detached.
    inner: Option<Box<Waiting>>,
    /// The process that may kill it: a forked copy of the caller does not.
    owner: u32,
}

/// A release that failed.
pub(super) enum Unreleased {
    /// Nothing was sent: the process still waits.
    Unsent(Parked, Error),
    /// The process had ended before anything was sent, or was killed by another process.
    Ended(Error),
    /// The process ended before the mark, and never executed the program. The payload may be the reason.
    EndedDuring(Error),
    Failed(Error),
}

impl Parked {
    /// The handle of a process that waits for a list at the other end of `gate`.
    pub(super) fn new(process: Process, gate: OwnedFd, planned: Planned) -> Result<Self, Error> {
        let inner = Waiting::new(process, gate, planned);
        let mut parked = Self { inner: Some(Box::new(inner)), owner: process::id() };
        parked.inner.as_mut().expect("set above").listen()?;
        Ok(parked)
    }

    /// The numbers of the gate and of the planned file.
    #[cfg(test)]
    pub(super) fn planned_numbers(&self) -> (RawFd, Option<RawFd>) {
        self.inner().planned_numbers()
    }

    fn inner(&self) -> &Waiting {
        self.inner.as_ref().expect("present until release and detach, which take the handle")
    }

    fn into_inner(mut self) -> Waiting {
        *self.inner.take().expect("present until release and detach, which take the handle")
    }

    /// The process ID in the caller's pid namespace. The released program has the same; with an
    /// [`init`](crate::Builder::init), it is that of the init.
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// The handle of the waiting process, to signal it, or to wait for its end.
    pub fn process(&self) -> &Process {
        self.inner().process()
    }

    /// Executes the planned program, and returns its handle. On `Ok` it has been executed.
    ///
    /// Blocks until execve(2) has succeeded or failed: without a limit, unless
    /// [`start_timeout`](crate::Builder::start_timeout) is set. May be called from any thread.
    ///
    /// # Errors
    /// Then the process is killed and reaped. Except after a time limit, the program was not executed:
    /// - [`Step::Exec`](crate::Step::Exec), as of [`start`](crate::Builder::start); without an errno,
    ///   the process ended while it was parked.
    /// - [`Step::ExecLabel`](crate::Step::ExecLabel): the label is written at the release, to the proc
    ///   that is mounted in the root of the program. `EPERM`, `EXDEV`: something else is mounted there, or
    ///   on this file.
    /// - [`Step::StartTimeout`](crate::Step::StartTimeout): the limit has expired, for example because
    ///   the process was stopped. If the file system of the program did not respond, the program may
    ///   have been executed a moment before it was killed.
    /// - [`Step::Release`](crate::Step::Release): the socket failed.
    ///
    /// # References
    /// execve(2), unix(7).
    pub fn release(self) -> Result<Process, Error> {
        self.into_inner().release()
    }

    /// Executes the program with the changes of `payload`; see [`Payload`].
    ///
    /// # Errors
    /// As [`release`](Self::release). Also:
    /// - [`Step::Check`](crate::Step::Check): an invalid value, with the name of its setter;
    ///   [`park_at`](crate::Builder::park_at) is set, which allows only the planned program.
    /// - [`Step::Prepare`](crate::Step::Prepare): a file of the payload cannot be opened.
    /// - [`Step::PlaceFd`](crate::Step::PlaceFd), `EINVAL` or `EMFILE`: `RLIMIT_NOFILE` of the program
    ///   is too small for the descriptors; they need numbers above their own for a moment. `EBADF`:
    ///   it is too small to receive them, or a security module forbids that.
    /// - [`Step::Rlimit`](crate::Step::Rlimit), [`Step::Workdir`](crate::Step::Workdir).
    pub fn release_with(self, payload: &Payload) -> Result<Process, Error> {
        self.try_release_with(payload).map_err(|unreleased| match unreleased {
            Unreleased::Unsent(_, error)
            | Unreleased::Ended(error)
            | Unreleased::EndedDuring(error)
            | Unreleased::Failed(error) => error,
        })
    }

    /// As [`release_with`](Self::release_with), with what is known of the process after an error.
    pub(super) fn try_release_with(self, payload: &Payload) -> Result<Process, Unreleased> {
        let prepared = self.inner().prepare(payload);
        let (list, program, streams) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Err(Unreleased::Unsent(self, error)),
        };
        let inner = self.into_inner();
        let had_ended = inner.has_ended();
        match inner.send_release(&list, &streams.files()) {
            Ok(()) => Ok(inner.into_process().with_pipes_over(streams.take_pipes())),
            Err(refusal) => {
                let has_ended = matches!(refusal, Refusal::Ended);
                let is_accident = had_ended || has_ended && inner.was_killed();
                let error = inner.refused(program.as_ref(), refusal);
                inner.kill_and_reap();
                Err(match (is_accident, has_ended) {
                    (true, _) => Unreleased::Ended(error),
                    (false, true) => Unreleased::EndedDuring(error),
                    (false, false) => Unreleased::Failed(error),
                })
            }
        }
    }

    /// The label of the process.
    #[cfg(feature = "tokio")]
    pub(crate) fn name(&self) -> &str {
        self.inner().name()
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.inner().has_ended()
    }

    /// Kills the process, without waiting for its end.
    pub(super) fn kill(&self) {
        let _ = pidfd_send_signal(self.process().pidfd(), Signal::KILL);
    }

    /// Whether the program can be found and executed now, as far as that is known without executing
    /// it: it exists in the root of the process, its path may be searched, and its file is executable
    /// by the process.
    ///
    /// The release may still fail, for example because the file has changed. With
    /// [`park_at`](crate::Builder::park_at) this is the result at the time of the start.
    ///
    /// # Errors
    /// [`Step::Exec`](crate::Step::Exec), with the errno and the hint of a failed release;
    /// [`Step::Release`](crate::Step::Release).
    ///
    /// # Kernel support
    /// Since Linux 6.14 the kernel makes all checks of execve(2) up to the format of the file. Before,
    /// only existence and permissions are checked.
    ///
    /// # References
    /// execveat(2) `AT_EXECVE_CHECK`, faccessat2(2).
    pub fn lookup(&self) -> Result<(), Error> {
        self.inner().lookup()
    }

    /// Gives up the handle, and returns the gate, by which any process that has it can release the
    /// program: [`release_by`](crate::release_by).
    ///
    /// The process outlives the caller as long as a copy of the gate is open anywhere; once the last
    /// one is closed, it exits. Pass the gate over a socket (`SCM_RIGHTS`), or to a child. Piped
    /// streams that were not taken are closed. The process stays a child of the caller: see
    /// [`Process::into_detached`].
    ///
    /// With [`park_at`](crate::Builder::park_at), the socket of the builder releases the process, and
    /// the returned descriptor can be dropped.
    ///
    /// # Errors
    /// [`Step::Release`](crate::Step::Release): the process has ended.
    pub fn detach(self) -> Result<OwnedFd, Error> {
        self.inner().prepare_to_detach()?;
        let (process, gate) = self.into_inner().into_parts();
        process.into_detached();
        Ok(gate)
    }

    /// Gives up a process that was killed. It is reaped once it has exited, later if that is not before `deadline`.
    pub(super) fn abandon(mut self, deadline: Option<Instant>) {
        if let Some(inner) = self.inner.take() {
            is_readable_until(inner.process().pidfd(), deadline);
        }
    }
}

/// Kills and reaps the process, unless it was released or detached.
impl Drop for Parked {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if process::id() == self.owner {
            inner.kill_and_reap();
        } else {
            inner.into_process().into_detached();
        }
    }
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parked").field("process", self.process()).finish_non_exhaustive()
    }
}
