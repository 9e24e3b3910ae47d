//! The status of a zombie that another process has yet to reap, or never reaps: process 1 of a container may not.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::{Errno, WaitStatus};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::{read, retry_on_intr};

use crate::hint::machine;
use crate::proc_dir::pid_by_fdinfo;

/// The status, if proc shows it to the caller; `ESRCH` once the process is reaped.
pub(super) fn status_before_reap(pidfd: impl AsFd) -> Result<Option<WaitStatus>, Errno> {
    let proc = Path::new("/proc");
    let status = match pid_by_fdinfo(proc, &pidfd) {
        Ok(number) if shows_the_process() => {
            exit_code(&proc.join(number.to_string())).unwrap_or(None)
        }
        Ok(_) => None,
        Err(Errno::SRCH) => return Err(Errno::SRCH),
        Err(_no_proc) => None,
    };
    // If it was reaped meanwhile, the process ID may have been reused.
    match pid_by_fdinfo(proc, &pidfd) {
        Ok(_) => Ok(status),
        Err(Errno::SRCH) => Err(Errno::SRCH),
        Err(_no_proc) => Ok(None),
    }
}

/// Whether the process has a tracer, which can delay its exit; `false` if proc does not show it.
pub(super) fn is_traced(pidfd: impl AsFd) -> bool {
    let proc = Path::new("/proc");
    let status = pid_by_fdinfo(proc, pidfd)
        .ok()
        .and_then(|number| fs::read_to_string(proc.join(number.to_string()).join("status")).ok());
    let status = status.unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

/// Before Linux 5.17 the field is the exit code of the main thread, which may differ.
fn shows_the_process() -> bool {
    machine::kernel().is_some_and(|version| version >= (5, 17))
}

/// `None` if the process has not exited.
fn exit_code(dir: &Path) -> Result<Option<WaitStatus>, Errno> {
    // The kernel shows 0 to a reader that may not trace the process. Such a reader cannot read this link either.
    readlinkat(CWD, dir.join("ns/user"), Vec::new())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, dir.join("stat"), flags, Mode::empty())?;
    let mut text = [0; 1024];
    let length = retry_on_intr(|| read(&file, &mut text))?;
    let text = String::from_utf8_lossy(&text[..length]);
    let mut fields = text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    // State is the third field of proc_pid_stat(5), exit_code the last, the 52nd.
    let is_dead = fields.next() == Some("Z");
    let code = fields.nth(48).and_then(|code| code.parse().ok());
    Ok(code.filter(|_| is_dead).map(WaitStatus::from_raw))
}
