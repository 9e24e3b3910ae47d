//! The lists of system calls that release a parked process.

use std::ffi::CString;
use std::format;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::call_list::{Call, CallList, Errnos, Fd, Label, register};
use super::label::push_label;
use super::numbers::{
    AT_EMPTY_PATH, CLOEXEC, F_SETFD, FD_CLOEXEC, MSG_NOSIGNAL, MSG_WAITALL, POLLIN, PR_SET_NAME,
    SHUT_RDWR, SO_RCVTIMEO, SOL_SOCKET,
};
use super::planned::Planned;
use super::report::{self, RELEASE};
use super::streams::Streams;
use crate::in_child::NOT_FOUND;
use crate::settings::{Payload, Program};
use crate::start::exec_name::ExecName;
use crate::start::gate::COMPARE;
use crate::step::Step;

/// The time that a connection has for its message, in seconds.
const MESSAGE_TIMEOUT: u64 = 1;
/// The exit code of a gate that executes nothing.
const NOT_RELEASED: u64 = 125;

/// What a release executes, and the open files for it.
#[derive(Debug)]
pub(super) struct Release<'a> {
    pub(super) program: &'a Program,
    pub(super) payload: Option<&'a Payload>,
    pub(super) streams: Option<&'a Streams<'a>>,
}

impl<'a> Release<'a> {
    /// The release of the planned program.
    pub(super) fn planned(planned: &'a Planned) -> Self {
        Self { program: &planned.program, payload: None, streams: None }
    }

    /// Releases the process at once. After a failure the gate exits.
    pub(super) fn list(&self, planned: &Planned) -> Result<Vec<u8>, String> {
        let mut list = CallList::default();
        let gate = self.push_gate(&mut list, planned);
        self.push_to(&mut list, planned, gate)?;
        let failed = push_report(&mut list, gate);
        push(&mut list, libc::SYS_exit_group, [NOT_RELEASED]);
        Ok(list.finish(failed))
    }

    /// The gate, which is duplicated if the payload places a file at its number.
    fn push_gate(&self, list: &mut CallList, planned: &Planned) -> Fd {
        let gate = Fd::Number(planned.gate);
        let Some(streams) = self.streams.filter(|streams| streams.places(planned.gate)) else {
            return gate;
        };
        // Only the failure of this call is reported to the gate itself: later its number may be
        // that of another file.
        let over = list.label();
        list.push_jump(over);
        let report = push_report(list, gate);
        push(list, libc::SYS_exit_group, [NOT_RELEASED]);
        list.place(over);
        let copy = streams.copy_above(gate).otherwise(Errnos::ALL, report);
        Fd::Result(list.push_step(copy, Step::PlaceFd, planned.gate.to_string().as_bytes()))
    }

    /// The planned file of the program, which is duplicated if the payload places a file at its
    /// number.
    fn push_file(&self, list: &mut CallList, planned: &Planned) -> Option<Fd> {
        let number = planned.file?;
        let file = Fd::Number(number);
        set_close_on_exec(list, file);
        let Some(streams) = self.streams.filter(|streams| streams.places(number)) else {
            return Some(file);
        };
        let copy = streams.copy_above(file);
        let step = list.push_step(copy, Step::PlaceFd, number.to_string().as_bytes());
        Some(Fd::Result(step))
    }

    /// Waits for [`RELEASE`] at the gate, for a process that the caller gives up.
    pub(super) fn list_for_gate(&self, planned: &Planned) -> Result<Vec<u8>, String> {
        let mut list = CallList::default();
        let gate = Fd::Number(planned.gate);
        let message = list.words(&[0]);
        list.push(receive(gate, message));
        list.push(Call::new(COMPARE, [message, RELEASE]));
        self.push_to(&mut list, planned, gate)?;
        let failed = push_report(&mut list, gate);
        push(&mut list, libc::SYS_exit_group, [NOT_RELEASED]);
        Ok(list.finish(failed))
    }

    /// Waits for a connection that sends [`RELEASE`].
    pub(super) fn list_for_listener(
        &self,
        planned: &Planned,
        number: RawFd,
    ) -> Result<Vec<u8>, String> {
        let mut list = CallList::default();
        let listener = Fd::Number(number);
        let message = list.words(&[0]);
        let limit = list.words(&[MESSAGE_TIMEOUT, 0]);
        let readable = list.words(&[u64::from(number.unsigned_abs()) | POLLIN << 32]);
        set_close_on_exec(&mut list, listener);
        // A nonblocking listener waits here.
        let wait = list.here();
        let poll = Call::new(libc::SYS_ppoll, [readable, 1]);
        list.push(poll.otherwise(Errnos::of(&[Errno::INTR]), wait));
        let accept = Call::on(libc::SYS_accept4, listener, [0, 0, CLOEXEC]);
        let passing = [Errno::AGAIN, Errno::INTR, Errno::CONNABORTED, Errno::PERM];
        let accept = accept.otherwise(Errnos::of(&passing), wait);
        let connection = Fd::Result(list.push_step(accept, Step::Release, b"accept4"));
        let (close, failed, release) = (list.label(), list.label(), list.label());
        let limit = [SOL_SOCKET, SO_RCVTIMEO, limit, 16];
        let limit = Call::on(libc::SYS_setsockopt, connection, limit);
        list.push(limit.otherwise(Errnos::ALL, close));
        let read = list.here();
        let received = list.words(&[0]);
        let receive = receive(connection, message).otherwise(Errnos::ALL, failed);
        list.push_unreported(receive, received);
        list.push(Call::new(COMPARE, [message, RELEASE]).otherwise(Errnos::ALL, close));
        list.push_jump(release);
        // A stop interrupts a call with a time limit: signal(7).
        list.place(failed);
        let interrupted = register(i64::from(-Errno::INTR.raw_os_error()));
        list.push(Call::new(COMPARE, [received, interrupted]).otherwise(Errnos::ALL, close));
        list.push_jump(read);
        list.place(close);
        list.push(Call::on(libc::SYS_close, connection, []).otherwise(Errnos::ALL, wait));
        list.push_jump(wait);
        list.place(release);
        push_end_of_listening(&mut list, listener);
        self.push_to(&mut list, planned, connection)?;
        let failed = push_report(&mut list, connection);
        // Without a descriptor for a connection, nothing could be accepted: the peers see the end.
        push_end_of_listening(&mut list, listener);
        push(&mut list, libc::SYS_exit_group, [NOT_RELEASED]);
        Ok(list.finish(failed))
    }

    /// Adds the calls of the release; the mark goes to the socket `to`.
    fn push_to(&self, list: &mut CallList, planned: &Planned, to: Fd) -> Result<(), String> {
        set_close_on_exec(list, Fd::Number(planned.gate));
        let planned_file = self.push_file(list, planned);
        let file = self.streams.and_then(|streams| streams.push_to(list));
        let file = file.or_else(|| self.program.file.as_ref().and(planned_file));
        if let Some(payload) = self.payload {
            push_limits(list, payload);
            push_workdir(list, payload)?;
        }
        if let Some(label) = &planned.label {
            push_label(list, label);
        }
        self.push_exec(list, file, to);
        Ok(())
    }

    /// `file`: the program, if it is given by a descriptor.
    fn push_exec(&self, list: &mut CallList, file: Option<Fd>, to: Fd) {
        let program = self.program;
        let argv = list.array(program.argv());
        let envp = list.array(program.envp());
        let name = ExecName::new();
        let name_at = list.bytes(name.bytes());
        let mark = report::mark(name.bytes());
        let mark_at = list.bytes(&mark);
        let set_name = Call::new(libc::SYS_prctl, [PR_SET_NAME, name_at]);
        list.push_step(set_name, Step::MemoryLock, b"");
        list.push_step(send(to, mark_at, mark.len()), Step::Release, b"");
        if let Some(file) = file {
            let empty = list.text(c"");
            let args = [empty, argv, envp, AT_EMPTY_PATH];
            let exec = Call::on(libc::SYS_execveat, file, args);
            list.push_step(exec, Step::Exec, program.name().as_bytes());
            return;
        }
        let passing = Errnos::of(&[&NOT_FOUND[..], &[Errno::ACCESS]].concat());
        for path in program.candidates() {
            let path_at = list.text(path);
            let exec = Call::new(libc::SYS_execve, [path_at, argv, envp]);
            let next = list.label();
            list.push_step(exec.otherwise(passing, next), Step::Exec, path.to_bytes());
            list.place(next);
        }
    }
}

fn push<const N: usize>(list: &mut CallList, number: i64, args: [u64; N]) {
    list.push(Call::new(number, args));
}

fn set_close_on_exec(list: &mut CallList, fd: Fd) {
    let call = Call::on(libc::SYS_fcntl, fd, [F_SETFD, FD_CLOEXEC]);
    list.push_step(call, Step::CloseRest, b"");
}

fn send(to: Fd, at: u64, length: usize) -> Call {
    Call::on(libc::SYS_sendto, to, [at, length as u64, MSG_NOSIGNAL, 0, 0])
}

/// At the end of the stream it stores nothing, and succeeds.
fn receive(from: Fd, message: u64) -> Call {
    Call::on(libc::SYS_recvfrom, from, [message, 8, MSG_WAITALL, 0, 0])
}

/// Refuses later connections, also if the caller still has the listener, and closes those that wait
/// already: they would wait as long as the caller has it.
fn push_end_of_listening(list: &mut CallList, listener: Fd) {
    let end = list.label();
    let shutdown = Call::on(libc::SYS_shutdown, listener, [SHUT_RDWR]);
    list.push(shutdown.otherwise(Errnos::ALL, end));
    let next = list.here();
    let late = list.words(&[0]);
    let accept = Call::on(libc::SYS_accept4, listener, [0, 0, CLOEXEC]);
    list.push_unreported(accept.otherwise(Errnos::ALL, end), late);
    list.push(Call::on(libc::SYS_close, Fd::At(late), []).otherwise(Errnos::ALL, next));
    list.push_jump(next);
    list.place(end);
}

/// Adds the call that reports a failure, and returns its label. If nothing reads the report, the
/// list goes on after it.
pub(super) fn push_report(list: &mut CallList, to: Fd) -> Label {
    let (report, after) = (list.here(), list.label());
    list.push_report(send(to, 0, 0).otherwise(Errnos::ALL, after));
    list.place(after);
    report
}

fn push_limits(list: &mut CallList, payload: &Payload) {
    for (resource, soft, hard) in &payload.rlimits {
        let limits = list.words(&[*soft, *hard]);
        let call = Call::new(libc::SYS_prlimit64, [0, *resource as u64, limits, 0]);
        list.push_step(call, Step::Rlimit, format!("{resource:?}").as_bytes());
    }
}

fn push_workdir(list: &mut CallList, payload: &Payload) -> Result<(), String> {
    let Some(path) = &payload.workdir else { return Ok(()) };
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Err("workdir: is empty".to_owned());
    }
    let text = CString::new(bytes)
        .map_err(|error| format!("workdir: NUL at byte {}", error.nul_position()))?;
    let at = list.text(&text);
    list.push_step(Call::new(libc::SYS_chdir, [at]), Step::Workdir, bytes);
    Ok(())
}
