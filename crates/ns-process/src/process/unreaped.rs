//! The status of a zombie that another process has yet to reap, or never reaps: process 1 of a container may not.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, WaitStatus};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::{read, retry_on_intr};

use crate::hint::machine;
use crate::proc_dir::{field, path_in, pid_by_fdinfo};

/// The status, if proc shows it to the caller; `ESRCH` once the process is reaped.
pub(super) fn status_before_reap(pidfd: impl AsFd) -> Result<Option<WaitStatus>, Errno> {
    let proc = Path::new("/proc");
    let pid = || match pid_by_fdinfo(proc, &pidfd) {
        Err(Errno::SRCH) => Err(Errno::SRCH),
        shown => Ok(shown.ok()),
    };
    let shown = pid()?.filter(|_| shows_the_process());
    let status = shown.and_then(|pid| exit_code(&path_in(proc, pid)));
    // If it was reaped meanwhile, the process ID may have been reused.
    Ok(pid()?.and(status))
}

/// Whether the process has a tracer, which can delay its exit; `false` if proc does not show it.
pub(super) fn is_traced(pidfd: impl AsFd) -> bool {
    let proc = Path::new("/proc");
    let status = pid_by_fdinfo(proc, pidfd)
        .ok()
        .and_then(|pid| fs::read_to_string(path_in(proc, pid).join("status")).ok());
    status.as_deref().and_then(|text| field(text, "TracerPid")).is_some_and(|tracer| tracer != "0")
}

/// Before Linux 5.17 the field is the exit code of the main thread, which may differ.
fn shows_the_process() -> bool {
    machine::kernel().is_some_and(|version| version >= (5, 17))
}

/// `None` if the process has not exited, or the caller may not read it.
fn exit_code(dir: &Path) -> Option<WaitStatus> {
    // The kernel shows 0 to a reader that may not trace the process. Such a reader cannot read this link either.
    readlinkat(CWD, dir.join("ns/user"), Vec::new()).ok()?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, dir.join("stat"), flags, Mode::empty()).ok()?;
    let mut text = [0; 1024];
    let length = retry_on_intr(|| read(&file, &mut text)).ok()?;
    let text = String::from_utf8_lossy(&text[..length]);
    let mut fields = text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    // State is the third field of proc_pid_stat(5), exit_code the last, the 52nd.
    let is_dead = fields.next() == Some("Z");
    let code = fields.nth(48).and_then(|code| code.parse().ok());
    code.filter(|_| is_dead).map(WaitStatus::from_raw)
}
