//! What a process is called in a proc, which may be that of an outer pid namespace.

use std::format;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, pidfd_get_info};
use rustix::fs::{CWD, readlinkat};

/// Whether processes have the numbers there that the caller knows them by.
pub(crate) fn has_own_numbers(proc: &Path) -> Result<bool, Errno> {
    let own = readlinkat(CWD, proc.join("self"), Vec::new())?;
    Ok(own.to_str().is_ok_and(|own| own.parse() == Ok(std::process::id())))
}

/// Its number in the proc that is mounted at `proc`.
pub(crate) fn number_of(proc: &Path, pidfd: impl AsFd) -> Result<u32, Errno> {
    // Three times as quick as proc's word, from Linux 6.13 on; 0 is none of the caller's.
    let own = pidfd_get_info(&pidfd).ok().map(|info| info.pid).filter(|pid| *pid != 0);
    match own {
        Some(pid) if has_own_numbers(proc)? => Ok(pid),
        _ => number_by_proc(proc, pidfd),
    }
}

/// As proc tells it of a descriptor; `ESRCH` once the process is reaped.
pub(crate) fn number_by_proc(proc: &Path, pidfd: impl AsFd) -> Result<u32, Errno> {
    let info = proc.join(format!("thread-self/fdinfo/{}", pidfd.as_fd().as_raw_fd()));
    let info = fs::read_to_string(info).map_err(|error| errno(&error))?;
    let told = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    told.and_then(|number| number.trim().parse().ok()).ok_or(Errno::SRCH)
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
