//! The process ID of the process whose `/proc/PID` is open.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, OFlags, fstat, openat, stat};
use rustix::io::Errno;

use super::open;
use crate::ProcError;

/// The file whose first field is the process ID.
const FILE: &str = "stat";

/// More bytes than a process ID and a blank have.
const LONGEST: usize = 16;

/// The process ID in the proc file system that `dir` is on.
///
/// The file is read through the open directory, so it fails once the process is reaped, even if another
/// process has its ID.
pub(crate) fn pid_of(dir: BorrowedFd<'_>) -> Result<u32, ProcError> {
    let mut begin = [0; LONGEST];
    let read = open(dir, FILE, OFlags::RDONLY).and_then(|file| {
        let read = File::from(file).read(&mut begin);
        read.map_err(|source| ProcError::Read { file: FILE, source })
    });
    let length = read.map_err(|error| match &error {
        ProcError::Open { source, .. } | ProcError::Read { source, .. } if is_gone(source) => {
            no_process()
        }
        _ => error,
    })?;
    // The second field may have any bytes.
    let first = begin[..length].split(|&byte| byte == b' ').next().map(String::from_utf8_lossy);
    first.and_then(|first| first.parse().ok()).ok_or_else(no_process)
}

/// The process ID in the proc file system on `/proc`, which the helpers use.
///
/// # Errors
/// The process is reaped, or the file system that `dir` is on shows another PID namespace.
pub(crate) fn pid_in_proc(dir: BorrowedFd<'_>) -> Result<u32, ProcError> {
    let pid = pid_of(dir)?;
    let is_proc = stat("/proc").is_ok_and(|proc| device(dir) == Ok(proc.st_dev));
    if is_proc || has_pids_of_proc(dir) { Ok(pid) } else { Err(ProcError::OtherPidNamespace) }
}

/// Whether the file system that `dir` is on shows the PID namespace that `/proc` shows.
///
/// Both are the caller's PID namespace or ancestors of it, because they show the caller. An ancestor of
/// each level exists once, so the number of the caller's IDs from that level on tells them apart.
fn has_pids_of_proc(dir: BorrowedFd<'_>) -> bool {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let own = openat(dir, "../self/status", flags, Mode::empty()).map(File::from);
    let own = own.ok().filter(|own| device(own).is_ok() && device(own) == device(dir));
    let here = own.and_then(levels);
    here.is_some() && here == File::open("/proc/self/status").ok().and_then(levels)
}

fn device(file: impl AsFd) -> Result<u64, Errno> {
    fstat(file).map(|stat| stat.st_dev)
}

/// The number of PID namespaces in which this `status` file shows the process.
fn levels(mut status: File) -> Option<usize> {
    let mut text = Vec::new();
    status.read_to_end(&mut text).ok()?;
    // The name of the process may have any bytes.
    let text = String::from_utf8_lossy(&text);
    let ids = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(ids.split_whitespace().count())
}

/// Whether the errno means that the process is reaped.
fn is_gone(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::SRCH))
}

fn no_process() -> ProcError {
    ProcError::NoProcess { source: Errno::SRCH.into() }
}
