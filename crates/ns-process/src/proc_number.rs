//! What a process is called in a proc, which may be that of an outer pid namespace.

use std::format;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use ns_sys::Errno;

/// Its number in the proc that is mounted at `proc`.
pub(crate) fn number_of(proc: &Path, pidfd: impl AsFd) -> Result<u32, Errno> {
    let info = proc.join(format!("self/fdinfo/{}", pidfd.as_fd().as_raw_fd()));
    let info = fs::read_to_string(info).map_err(|error| errno(&error))?;
    let told = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    told.and_then(|number| number.trim().parse().ok()).ok_or(Errno::SRCH)
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
