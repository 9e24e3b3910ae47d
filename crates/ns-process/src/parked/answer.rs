//! The answer of a gate to a release, and the proof that it has executed the program.
//!
//! At the mark, the process has a random name that no program knows, and calls execve(2). Exec
//! gives it another name, after it has closed the gate. So once the stream ends, the name shows
//! whether the program was executed. A copy of the gate in another process keeps the stream open;
//! then the name is looked at now and then.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};
use std::{thread, vec};

use ns_sys::Errno;
use ns_sys::child::is_readable;
use rustix::event::{PollFd, PollFlags};
use rustix::io::{pread, retry_on_intr};
use rustix::net::{RecvFlags, recv};

use super::report::{self, FailedStep, HEADER_SIZE, MARK, MARK_SIZE};
use crate::proc_dir::{first_child, has_own_pids, pid_of};
use crate::process::{Process, poll_until};
use crate::start::exec_name::{ExecName, open_comm};

/// The intervals between two looks at the name while the stream is open.
const FIRST_ROUND: Duration = Duration::from_millis(1);
const LATER_ROUND: Duration = Duration::from_millis(10);
/// The sleep between two checks after the stream has ended, which is some microseconds before exec
/// or exit does the rest; the first checks only yield the CPU.
const POLL_INTERVAL: Duration = Duration::from_micros(50);
const YIELDS: u32 = 20;

/// Why a release failed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A call of the gate failed.
    Step(FailedStep),
    /// The process ended, and has not executed the program.
    Ended,
    /// The deadline has passed.
    Late,
    /// An earlier list was not answered.
    Unanswered,
    /// The other side is no gate, or the socket failed.
    Invalid(Errno),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::TIMEDOUT => Self::Late,
            Errno::PIPE | Errno::CONNRESET => Self::Ended,
            errno => Self::Invalid(errno),
        }
    }
}

/// Where the name of the process is seen.
pub(super) struct Observed<'a> {
    /// The process, or its init.
    pub(super) process: BorrowedFd<'a>,
    /// `/proc/PID/comm`; `None` without proc.
    pub(super) comm: Option<&'a OwnedFd>,
}

impl Observed<'_> {
    fn has_ended(&self) -> bool {
        is_readable(self.process) == Ok(true)
    }
}

/// The name that the file shows.
pub(super) fn name_of(comm: Option<&OwnedFd>) -> Option<Vec<u8>> {
    let mut text = [0; 32];
    let comm = comm?;
    let length = retry_on_intr(|| pread(comm, &mut text, 0)).ok()?;
    text.get(..length).map(<[u8]>::to_vec)
}

/// Opens the file with the name of the process, or of the program of an init.
pub(super) fn open_name(process: &Process, proc: &Path) -> Option<OwnedFd> {
    let pid = if has_own_pids(proc).ok()? {
        process.pid()
    } else {
        pid_of(proc, process.pidfd()).ok()?
    };
    let pid = if process.has_init() { first_child(proc, pid)? } else { pid };
    open_comm(proc, pid)
}

/// Waits until the process at the other end of `gate` has executed its program.
///
/// Without `observed` the end of the stream after the mark counts as the exec: a process that is killed
/// in between counts as one that executed and was killed at once. So does one whose name cannot be read
/// any more, because an init has reaped it.
pub(super) fn wait_for_exec(
    gate: BorrowedFd<'_>,
    observed: Option<&Observed<'_>>,
    deadline: Option<Instant>,
) -> Result<(), Refusal> {
    let answer = Answer { gate, deadline };
    let mut name: Option<ExecName> = None;
    let mut round = FIRST_ROUND;
    let mut polls = 0;
    let mut is_open = true;
    loop {
        if is_open {
            is_open = !answer.has_hung_up_within(round)?;
            round = LATER_ROUND;
            while let Some(frame) = answer.next_frame()? {
                if name.is_some() || !is_mark(&frame) {
                    return Err(answer.failure(&frame));
                }
                name = Some(name_in(&frame));
            }
        }
        match &name {
            None if !is_open => return Err(Refusal::Ended),
            // At a listening socket, the stream stays open if the process ended before it accepted.
            None if observed.is_some_and(Observed::has_ended) && answer.next_frame()?.is_none() => {
                return Err(Refusal::Ended);
            }
            Some(name) if is_executed(name, observed, is_open)? => return Ok(()),
            _ => {}
        }
        if answer.is_late() {
            return Err(Refusal::Late);
        }
        if !is_open {
            polls += 1;
            if polls < YIELDS { thread::yield_now() } else { thread::sleep(POLL_INTERVAL) }
        }
    }
}

/// Receives the report of a list that executes nothing. `None`: every step succeeded.
pub(super) fn receive_report(
    gate: BorrowedFd<'_>,
    deadline: Option<Instant>,
) -> Result<Option<FailedStep>, Refusal> {
    let answer = Answer { gate, deadline };
    let mut frame = [0; FRAME];
    answer.receive(&mut frame)?;
    answer.report(&frame)
}

/// The first bytes of an answer: a mark, or the beginning of a report.
type Frame = [u8; FRAME];
const FRAME: usize = MARK_SIZE;
const _: () = assert!(FRAME == HEADER_SIZE);

fn is_mark(frame: &Frame) -> bool {
    frame.first_chunk() == Some(&MARK.to_le_bytes())
}

/// The name in a mark.
fn name_in(mark: &Frame) -> ExecName {
    let mut name = [0; 16];
    name.copy_from_slice(&mark[8..]);
    ExecName::from_bytes(name)
}

/// Whether a process with this name has executed its program.
fn is_executed(
    name: &ExecName,
    observed: Option<&Observed<'_>>,
    is_open: bool,
) -> Result<bool, Refusal> {
    // A dead process keeps its last name, so it is looked at first.
    let is_dead = observed.is_some_and(Observed::has_ended);
    match name.is_in(observed.and_then(|observed| observed.comm)) {
        Some(false) => Ok(true),
        Some(true) if is_dead => Err(Refusal::Ended),
        None if !is_open => Ok(true),
        _ => Ok(false),
    }
}

#[derive(Clone, Copy)]
struct Answer<'a> {
    gate: BorrowedFd<'a>,
    deadline: Option<Instant>,
}

impl Answer<'_> {
    /// Waits for the end of the stream, for `limit` or until the deadline. Data does not end the
    /// wait: the mark alone would wake this thread once more for each release.
    fn has_hung_up_within(self, limit: Duration) -> Result<bool, Errno> {
        let end = Instant::now().checked_add(limit);
        let end = end.min(self.deadline.or(end));
        poll_until(&mut [PollFd::from_borrowed_fd(self.gate, PollFlags::empty())], end)
    }

    fn is_late(self) -> bool {
        self.deadline.is_some_and(|end| end <= Instant::now())
    }

    /// The frame that has arrived, if there is one.
    fn next_frame(self) -> Result<Option<Frame>, Refusal> {
        let mut frame = [0; FRAME];
        match recv(self.gate, &mut frame[..], RecvFlags::DONTWAIT) {
            Ok((_, 0)) | Err(Errno::AGAIN | Errno::INTR | Errno::CONNRESET) => Ok(None),
            Ok((_, count)) => {
                self.receive(&mut frame[count..])?;
                Ok(Some(frame))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Fills `bytes`.
    fn receive(self, bytes: &mut [u8]) -> Result<(), Refusal> {
        let mut filled = 0;
        while filled < bytes.len() {
            let readable = &mut [PollFd::from_borrowed_fd(self.gate, PollFlags::IN)];
            // A sender of single bytes does not delay this beyond the deadline.
            if !poll_until(readable, self.deadline)? || filled > 0 && self.is_late() {
                return Err(Refusal::Late);
            }
            match recv(self.gate, &mut bytes[filled..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(Refusal::Ended),
                Ok((_, count)) => filled += count,
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// The failure in a report that begins with `frame`.
    fn failure(self, frame: &Frame) -> Refusal {
        match self.report(frame) {
            Ok(Some(step)) => Refusal::Step(step),
            Ok(None) => Refusal::Invalid(Errno::PROTO),
            Err(refusal) => refusal,
        }
    }

    fn report(self, frame: &Frame) -> Result<Option<FailedStep>, Refusal> {
        let length = report::rest_length(frame).ok_or(Refusal::Invalid(Errno::PROTO))?;
        let mut rest = vec![0; length];
        self.receive(&mut rest)?;
        Ok(report::failure(frame, &rest))
    }
}
