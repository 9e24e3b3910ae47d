//! A process that waits at its gate: what the caller sends, and the errors.

#[cfg(test)]
use std::os::fd::RawFd;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::{Mutex, PoisonError};

use ns_sys::child::is_readable;
use ns_sys::{Errno, Signal, WaitFlags, WaitStatus, pidfd_get_info, waitid_pidfd};

use super::answer::{Observed, Refusal, name_of, open_name, wait_for_exec};
use super::by_gate;
use super::lookup;
use super::planned::Planned;
use super::release_list::Release;
use super::send::send_list;
use super::streams::Streams;
use crate::error::Error;
use crate::hint;
use crate::process::{LONG_ENOUGH, Process, has_hung_up, is_readable_within, kill_and_wait};
use crate::settings::{Payload, Program};
use crate::step::Step;

/// The process, and the caller's end of its socket.
pub(super) struct Waiting {
    process: Process,
    gate: OwnedFd,
    /// The file that shows its name; opened early, because a release is to be quick.
    comm: Option<OwnedFd>,
    planned: Planned,
    /// `Some` if it waits at a listening socket.
    listening: Option<Listening>,
    /// Whether a list was not answered in time: its answer may still come. Locked while a list is sent
    /// and answered.
    is_unanswered: Mutex<bool>,
}

/// What was seen before the process waited at a listening socket.
struct Listening {
    /// Its name; `None` without proc.
    name: Option<Vec<u8>>,
    found: Result<(), Error>,
}

/// The list of a release, its program if it is not the planned one, and its open files.
pub(super) type Prepared<'a> = (Vec<u8>, Option<Program>, Streams<'a>);

impl Waiting {
    pub(super) fn new(process: Process, gate: OwnedFd, planned: Planned) -> Self {
        let comm = open_name(&process, &planned.proc);
        Self { process, gate, comm, planned, listening: None, is_unanswered: Mutex::new(false) }
    }

    /// Lets the process wait at the listening socket, if there is one.
    pub(super) fn listen(&mut self) -> Result<(), Error> {
        let Some(listener) = &self.planned.listener else { return Ok(()) };
        let release = Release::planned(&self.planned);
        let list = release.list_for_listener(&self.planned, listener.number);
        let list = list.map_err(|message| self.invalid(message))?;
        let found = self.look_up();
        self.send(&list)?;
        self.listening = Some(Listening { name: name_of(self.comm.as_ref()), found });
        Ok(())
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn into_process(self) -> Process {
        self.process
    }

    pub(super) fn into_parts(self) -> (Process, OwnedFd) {
        (self.process, self.gate)
    }

    #[cfg(feature = "tokio")]
    pub(super) fn name(&self) -> &str {
        &self.planned.name
    }

    #[cfg(test)]
    pub(super) fn planned_numbers(&self) -> (RawFd, Option<RawFd>) {
        (self.planned.gate, self.planned.file)
    }

    pub(super) fn has_ended(&self) -> bool {
        is_readable(self.process.pidfd()) == Ok(true)
    }

    pub(super) fn kill_and_reap(self) {
        kill_and_wait(self.process.pidfd());
    }

    /// Executes the planned program; kills the process if that fails.
    pub(super) fn release(self) -> Result<Process, Error> {
        let released = match &self.listening {
            Some(_) => self.release_at_listener(),
            None => self.release_by_gate(),
        };
        match released {
            Ok(()) => Ok(self.process),
            Err(error) => {
                self.kill_and_reap();
                Err(error)
            }
        }
    }

    fn release_by_gate(&self) -> Result<(), Error> {
        let list = Release::planned(&self.planned).list(&self.planned);
        let list = list.map_err(|message| self.invalid(message))?;
        self.send_release(&list, &[]).map_err(|refusal| self.refused(None, refusal))
    }

    /// Releases the process through its listening socket, because it reads nothing else.
    fn release_at_listener(&self) -> Result<(), Error> {
        let released = by_gate::release_through(&self.planned, &self.observed());
        // Another process may have released it before.
        released.or_else(|error| if self.was_released() { Ok(()) } else { Err(error) })
    }

    /// Whether a process that waited at a listening socket has executed its program.
    fn was_released(&self) -> bool {
        let Some(before) = self.listening.as_ref().and_then(|seen| seen.name.as_ref()) else {
            return false;
        };
        name_of(self.comm.as_ref()).is_some_and(|name| name != *before)
    }

    fn observed(&self) -> Observed<'_> {
        Observed { process: self.process.pidfd(), comm: self.comm.as_ref() }
    }

    fn invalid(&self, message: String) -> Error {
        self.planned.error(Step::Check).with_object(message)
    }

    /// Sends a list that waits for a release by another process.
    fn send(&self, list: &[u8]) -> Result<(), Error> {
        let deadline = self.planned.deadline();
        let sent = send_list(self.gate.as_fd(), list, &[], deadline);
        sent.map_err(|errno| self.refused(None, errno.into()))
    }

    /// Sends a list, and waits until the program is executed.
    pub(super) fn send_release(
        &self,
        list: &[u8],
        files: &[BorrowedFd<'_>],
    ) -> Result<(), Refusal> {
        self.refuse_unanswered()?;
        let deadline = self.planned.deadline();
        send_list(self.gate.as_fd(), list, files, deadline)?;
        wait_for_exec(self.gate.as_fd(), Some(&self.observed()), deadline)
    }

    /// Lets the process wait for a release by its gate, unless it waits at a listening socket.
    pub(super) fn prepare_to_detach(&self) -> Result<(), Error> {
        if self.listening.is_some() {
            return Ok(());
        }
        self.refuse_unanswered().map_err(|refusal| self.refused(None, refusal))?;
        let list = Release::planned(&self.planned).list_for_gate(&self.planned);
        self.send(&list.map_err(|message| self.invalid(message))?)
    }

    /// The answer to an earlier list would be taken for that to another one.
    fn refuse_unanswered(&self) -> Result<(), Refusal> {
        let is_unanswered = *self.is_unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        if is_unanswered { Err(Refusal::Unanswered) } else { Ok(()) }
    }

    /// What a release with `payload` sends.
    pub(super) fn prepare<'a>(&self, payload: &'a Payload) -> Result<Prepared<'a>, Error> {
        let planned = &self.planned;
        let invalid = |message| self.invalid(message);
        if planned.listener.is_some() {
            let message = "release_with: park_at allows only the planned program";
            return Err(self.invalid(message.to_owned()));
        }
        planned.forbidden.check(payload).map_err(invalid)?;
        let changed = payload.changes_program().then(|| planned.program.changed(payload));
        let changed = changed.transpose().map_err(invalid)?;
        let streams = Streams::open(&planned.name, payload)?;
        let program = changed.as_ref().unwrap_or(&planned.program);
        let release = Release { program, payload: Some(payload), streams: Some(&streams) };
        let list = release.list(planned).map_err(invalid)?;
        Ok((list, changed, streams))
    }

    /// The result of the lookup: at a listening socket, that of the start.
    pub(super) fn lookup(&self) -> Result<(), Error> {
        match &self.listening {
            Some(seen) => seen.found.clone(),
            None => self.look_up(),
        }
    }

    fn look_up(&self) -> Result<(), Error> {
        let planned = &self.planned;
        let mut is_unanswered = self.is_unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_unanswered {
            return Err(self.refused(None, Refusal::Unanswered));
        }
        match lookup::look_up(self.gate.as_fd(), planned, planned.deadline()) {
            Ok(None) => Ok(()),
            Ok(Some(step)) => Err(planned.step_failed(&planned.program, step)),
            Err(refusal) => {
                *is_unanswered = !matches!(refusal, Refusal::Ended);
                drop(is_unanswered);
                Err(self.refused(None, refusal))
            }
        }
    }

    /// The error of a refusal; `program` is that of the payload.
    pub(super) fn refused(&self, program: Option<&Program>, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Step(step) => {
                self.planned.step_failed(program.unwrap_or(&self.planned.program), step)
            }
            Refusal::Ended => self.planned.ended(self.status()),
            Refusal::Late => self.planned.too_slow(),
            Refusal::Unanswered => self
                .planned
                .error(Step::Release)
                .with_hint(Some("an earlier lookup was not answered in time")),
            Refusal::Invalid(errno) => {
                let error = self.planned.error(Step::Release).with_errno(errno);
                error.with_hint(hint::for_descriptors(errno))
            }
        }
    }

    /// Whether the process was killed by SIGKILL, which no call of a payload sends.
    pub(super) fn was_killed(&self) -> bool {
        self.status().and_then(WaitStatus::signal) == Some(Signal::KILL)
    }

    /// The wait status of the process, which is exiting.
    fn status(&self) -> Option<WaitStatus> {
        let pidfd = self.process.pidfd();
        is_readable_within(pidfd, LONG_ENOUGH);
        let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        match waitid_pidfd(pidfd, flags) {
            Ok(status) => status,
            Err(Errno::CHILD) => {
                has_hung_up(pidfd, LONG_ENOUGH);
                pidfd_get_info(pidfd).ok().and_then(|info| info.exit_status)
            }
            Err(_) => None,
        }
    }
}
