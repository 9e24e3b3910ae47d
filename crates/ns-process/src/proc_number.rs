//! What a process is called in a proc, which may be that of an outer pid namespace.

use std::ffi::OsString;
use std::fmt::{Display, Write as _};
use std::format;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::str;

use ns_sys::{Errno, pidfd_get_info};
use rustix::fs::{CWD, readlinkat_raw};

/// Room for any number, and a byte that shows that there is no more.
const LENGTH: usize = 11;

/// A path in the proc that is mounted at `proc`.
pub(crate) fn path_in(proc: &Path, rest: impl Display) -> PathBuf {
    let mut path = OsString::with_capacity(proc.as_os_str().len() + 40);
    path.push(proc);
    // Writing to memory does not fail.
    let _ = write!(path, "/{rest}");
    path.into()
}

/// Whether processes have the numbers there that the caller knows them by.
pub(crate) fn has_own_numbers(proc: &Path) -> Result<bool, Errno> {
    let mut own = [MaybeUninit::uninit(); LENGTH];
    let path = path_in(proc, "self");
    let (own, _) = readlinkat_raw(CWD, &path, &mut own)?;
    let own = str::from_utf8(own).ok().and_then(|own| own.parse().ok());
    Ok(own == Some(std::process::id()))
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
