//! Whether a parked process finds its program.

use std::os::fd::BorrowedFd;
use std::prelude::rust_2024::*;
use std::time::Instant;

use ns_sys::Errno;

use super::answer::{Refusal, receive_report};
use super::call_list::{Call, CallList, Errnos, Fd};
use super::numbers::{AT_EACCESS, AT_EMPTY_PATH, AT_EXECVE_CHECK, AT_FDCWD, X_OK};
use super::planned::Planned;
use super::release_list::push_report;
use super::report::FailedStep;
use super::send::send_list;
use crate::in_child::NOT_FOUND;
use crate::start::gate::WAIT;
use crate::step::Step;

/// How a list checks a file.
#[derive(Clone, Copy)]
enum Check {
    /// execveat(2) with `AT_EXECVE_CHECK`, Linux 6.14.
    Exec,
    /// faccessat2(2).
    Access,
}

/// The step that a release would fail with, or `None`.
pub(super) fn look_up(
    gate: BorrowedFd<'_>,
    planned: &Planned,
    deadline: Option<Instant>,
) -> Result<Option<FailedStep>, Refusal> {
    let ask = |check| {
        send_list(gate, &list(planned, check), &[], deadline)?;
        receive_report(gate, deadline)
    };
    match ask(Check::Exec)? {
        // The kernel is older than Linux 6.14, and the filter forbids another way.
        Some(FailedStep { errno: Errno::INVAL, .. }) if planned.forbidden.has("faccessat2") => {
            Ok(None)
        }
        Some(FailedStep { errno: Errno::INVAL, .. }) => ask(Check::Access),
        found => Ok(found),
    }
}

/// The list ends at the first candidate that can be executed.
fn list(planned: &Planned, check: Check) -> Vec<u8> {
    let mut list = CallList::default();
    let program = &planned.program;
    let call = |fd, path, null: u64, flags| match check {
        Check::Exec => {
            let args = [path, null, null, AT_EXECVE_CHECK | flags];
            Call::on(libc::SYS_execveat, fd, args)
        }
        Check::Access => Call::on(libc::SYS_faccessat2, fd, [path, X_OK, AT_EACCESS | flags, 0]),
    };
    // An empty array: a null pointer is refused.
    let null = list.words(&[0]);
    if let Some(file) = planned.file {
        let empty = list.text(c"");
        let call = call(Fd::Number(file), empty, null, AT_EMPTY_PATH);
        list.push_step(call, Step::Exec, b"");
    }
    let passing = Errnos::of(&[&NOT_FOUND[..], &[Errno::ACCESS]].concat());
    let end = list.label();
    for path in program.candidates() {
        let at = list.text(path);
        let call = call(Fd::Number(AT_FDCWD), at, null, 0);
        let next = list.label();
        list.push_step(call.otherwise(passing, next), Step::Exec, path.to_bytes());
        list.push_jump(end);
        list.place(next);
    }
    list.place(end);
    let failed = push_report(&mut list, Fd::Number(planned.gate));
    list.push(Call::new(WAIT, []));
    list.finish(failed)
}
