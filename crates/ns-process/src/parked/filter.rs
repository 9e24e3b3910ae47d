//! Whether a seccomp filter allows the calls of a gate.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::BpfInstruction;

use crate::plan::Plan;
use crate::settings::Payload;
pub(super) use crate::settings::bpf::allows;
#[cfg(test)]
pub(super) use crate::settings::bpf::{RET_ACTION, RET_ALLOW, RET_LOG, evaluate};

/// The system calls of every release, by name and number.
const CALLS: [(&str, i64); 8] = [
    ("execveat", libc::SYS_execveat),
    ("recvmsg", libc::SYS_recvmsg),
    ("recvfrom", libc::SYS_recvfrom),
    ("mmap", libc::SYS_mmap),
    ("fcntl", libc::SYS_fcntl),
    ("prctl", libc::SYS_prctl),
    ("sendto", libc::SYS_sendto),
    ("exit_group", libc::SYS_exit_group),
];
const BY_PATH: (&str, i64) = ("execve", libc::SYS_execve);
/// The additional calls of a release through a listening socket.
const AT_LISTENER: [(&str, i64); 5] = [
    ("ppoll", libc::SYS_ppoll),
    ("accept4", libc::SYS_accept4),
    ("setsockopt", libc::SYS_setsockopt),
    ("shutdown", libc::SYS_shutdown),
    ("close", libc::SYS_close),
];
/// The additional calls of a security label. openat2(2) may fail with `ENOSYS` or `EPERM`.
const WITH_LABEL: [(&str, i64); 3] =
    [("openat", libc::SYS_openat), ("fstatfs", libc::SYS_fstatfs), ("write", libc::SYS_write)];

/// The calls of a gate that `filter` does not allow, judged by their numbers: the arguments count
/// as 0.
pub(super) fn refused(filter: &[BpfInstruction], plan: &Plan) -> Vec<&'static str> {
    let is_path = plan.work.program().is_some_and(|program| program.file.is_none());
    let by_path = is_path.then_some(BY_PATH);
    let listener: &[_] = if plan.gate.is_some() { &AT_LISTENER } else { &[] };
    let has_label = plan.privileges.label_text().is_some();
    let label: &[_] = if has_label { &WITH_LABEL } else { &[] };
    let calls = CALLS.iter().copied().chain(by_path).chain(listener.iter().chain(label).copied());
    calls.filter(|(_, number)| !allows(filter, *number)).map(|(name, _)| name).collect()
}

/// The calls that only some payloads need, and a lookup before Linux 6.14.
const OF_PAYLOADS: [(&str, i64); 5] = [
    ("dup3", libc::SYS_dup3),
    ("prlimit64", libc::SYS_prlimit64),
    ("chdir", libc::SYS_chdir),
    BY_PATH,
    ("faccessat2", libc::SYS_faccessat2),
];

/// Those of [`OF_PAYLOADS`] that a filter forbids.
#[derive(Debug, Default)]
pub(super) struct ForbiddenCalls(Vec<&'static str>);

impl ForbiddenCalls {
    pub(super) fn of(filter: Option<&[BpfInstruction]>) -> Self {
        let Some(filter) = filter else { return Self::default() };
        let forbidden = OF_PAYLOADS.iter().filter(|(_, number)| !allows(filter, *number));
        Self(forbidden.map(|(name, _)| *name).collect())
    }

    pub(super) fn has(&self, call: &str) -> bool {
        self.0.contains(&call)
    }

    /// Fails if the payload needs a forbidden call; the message begins with the name of the setter.
    pub(super) fn check(&self, payload: &Payload) -> Result<(), String> {
        let needs = [
            (!payload.places_nothing(), "fd", "dup3"),
            (!payload.rlimits.is_empty(), "rlimit", "prlimit64"),
            (payload.workdir.is_some(), "workdir", "chdir"),
            (payload.program.is_some(), "program", "execve"),
        ];
        match needs.iter().find(|(is_needed, _, call)| *is_needed && self.has(call)) {
            Some((_, setter, call)) => Err(format!("{setter}: the seccomp filter forbids {call}")),
            None => Ok(()),
        }
    }
}
