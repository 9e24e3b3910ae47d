//! An ended process that another parent has yet to reap, and perhaps never will: not every process 1
//! of a container does.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::{Errno, WaitStatus};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::{read, retry_on_intr};

use crate::hint::machine;
use crate::proc_dir::number_by_proc;

/// How it ended, where proc tells that to the caller; `ESRCH` once it is reaped.
pub(super) fn told_before_reap(pidfd: impl AsFd) -> Result<Option<WaitStatus>, Errno> {
    let proc = Path::new("/proc");
    let told = match number_by_proc(proc, &pidfd) {
        Ok(number) if tells_of_the_process() => {
            exit_code(&proc.join(number.to_string())).unwrap_or(None)
        }
        Ok(_) => None,
        Err(Errno::SRCH) => return Err(Errno::SRCH),
        Err(_no_proc) => None,
    };
    // Reaped meanwhile, its number may have become another one's.
    match number_by_proc(proc, &pidfd) {
        Ok(_) => Ok(told),
        Err(Errno::SRCH) => Err(Errno::SRCH),
        Err(_no_proc) => Ok(None),
    }
}

/// Whether a process has a tracer, which can keep it from ending; `false` where proc does not say.
pub(super) fn is_traced(pidfd: impl AsFd) -> bool {
    let proc = Path::new("/proc");
    let status = number_by_proc(proc, pidfd)
        .ok()
        .and_then(|number| fs::read_to_string(proc.join(number.to_string()).join("status")).ok());
    let status = status.unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

/// Before Linux 5.17 the field was that of the leading thread, which may have ended otherwise.
fn tells_of_the_process() -> bool {
    machine::kernel().is_some_and(|version| version >= (5, 17))
}

/// `None` of a process that has not ended.
fn exit_code(dir: &Path) -> Result<Option<WaitStatus>, Errno> {
    // To those who may not trace it the kernel says 0; they may not read this link either.
    readlinkat(CWD, dir.join("ns/user"), Vec::new())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, dir.join("stat"), flags, Mode::empty())?;
    let mut text = [0; 1024];
    let length = retry_on_intr(|| read(&file, &mut text))?;
    let text = String::from_utf8_lossy(&text[..length]);
    let mut fields = text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    // State is the third field of proc_pid_stat(5), exit_code the last, the 52nd.
    let is_dead = fields.next() == Some("Z");
    let word = fields.nth(48).and_then(|word| word.parse().ok());
    Ok(word.filter(|_| is_dead).map(WaitStatus::from_raw))
}
