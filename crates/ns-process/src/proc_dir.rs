//! The directories of processes in proc, which may be that of an outer pid namespace.

use std::ffi::{CString, OsString};
use std::fmt::{Display, Write as _};
use std::fs::{self, File};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::str;
use std::{format, format_args};

use ns_sys::child::is_readable;
use ns_sys::{Errno, Namespace, NamespaceFd, pidfd_get_info};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat, readlinkat_raw};
use rustix::io::{pread, retry_on_intr};

/// Room for any process ID, and one byte that shows whether the link is longer.
const LENGTH: usize = 11;

/// An open `/proc/PID`. Its files fail with `ESRCH` once the process is reaped, also if the process ID is reused.
#[derive(Debug)]
pub(crate) struct ProcDir {
    fd: OwnedFd,
    pid: u32,
}

impl ProcDir {
    /// Opens the directory of process `pid`. The caller checks afterwards that the process has not been reaped
    /// before the call: then the directory may be that of another process.
    pub(crate) fn open(proc: &Path, pid: u32) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, path_in(proc, pid).as_path(), flags, Mode::empty())?;
        Ok(Self { fd, pid })
    }

    /// Opens the directory of the process that `pidfd` refers to; `None` if there is none, or the process has
    /// exited.
    pub(crate) fn of(proc: &Path, pidfd: &OwnedFd) -> Option<Self> {
        let dir = Self::open(proc, pid_of(proc, pidfd).ok()?).ok()?;
        (is_readable(pidfd.as_fd()) == Ok(false)).then_some(dir)
    }

    /// The process ID in this proc.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Opens one of its files.
    pub(crate) fn open_file(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat(&self.fd, path, flags | OFlags::CLOEXEC, Mode::empty())
    }

    /// Opens its namespace.
    pub(crate) fn namespace(&self, kind: Namespace) -> Result<NamespaceFd, Errno> {
        self.open_file(&format!("ns/{}", kind.name()), OFlags::RDONLY).and_then(NamespaceFd::new)
    }

    /// The target of its link `ns/KIND`. Processes in the same namespace have equal targets.
    pub(crate) fn link(&self, kind: Namespace) -> Option<CString> {
        readlinkat(&self.fd, format!("ns/{}", kind.name()), Vec::new()).ok()
    }

    /// The text of one of its files.
    pub(crate) fn read(&self, path: &str) -> io::Result<String> {
        let mut text = String::new();
        File::from(self.open_file(path, OFlags::RDONLY)?).read_to_string(&mut text)?;
        Ok(text)
    }
}

impl AsFd for ProcDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A path in the proc that is mounted at `proc`.
pub(crate) fn path_in(proc: &Path, rest: impl Display) -> PathBuf {
    let mut path = OsString::with_capacity(proc.as_os_str().len() + 40);
    path.push(proc);
    // Writing to memory does not fail.
    let _ = write!(path, "/{rest}");
    path.into()
}

/// Whether process IDs in the proc that is mounted at `proc` are those of the caller's pid namespace.
pub(crate) fn has_own_pids(proc: &Path) -> Result<bool, Errno> {
    let mut own = [MaybeUninit::uninit(); LENGTH];
    let path = path_in(proc, "self");
    let (own, _) = readlinkat_raw(CWD, &path, &mut own)?;
    let own = str::from_utf8(own).ok().and_then(|own| own.parse().ok());
    Ok(own == Some(std::process::id()))
}

/// The process ID, in the proc that is mounted at `proc`, of the process that `pidfd` refers to.
pub(crate) fn pid_of(proc: &Path, pidfd: impl AsFd) -> Result<u32, Errno> {
    // The ioctl of Linux 6.13 takes a third of the time of reading fdinfo.
    let own = pidfd_get_info(&pidfd).ok().and_then(|info| info.pid);
    match own {
        Some(pid) if has_own_pids(proc)? => Ok(pid),
        _ => pid_by_fdinfo(proc, pidfd),
    }
}

/// The same, as the fdinfo file of the descriptor shows it; `ESRCH` once the process is reaped.
pub(crate) fn pid_by_fdinfo(proc: &Path, pidfd: impl AsFd) -> Result<u32, Errno> {
    let info = proc.join(format!("thread-self/fdinfo/{}", pidfd.as_fd().as_raw_fd()));
    let info = fs::read_to_string(info)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    field(&info, "Pid").and_then(|number| number.parse().ok()).ok_or(Errno::SRCH)
}

/// The value of a line `NAME:\tVALUE`, as in the files `status` and `fdinfo`.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The oldest child of a process, from proc_pid_task(5).
pub(crate) fn first_child(proc: &Path, pid: u32) -> Option<u32> {
    let path = path_in(proc, format_args!("{pid}/task/{pid}/children"));
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; LENGTH];
    let length = retry_on_intr(|| pread(&file, &mut text, 0)).ok()?;
    let first = text.get(..length)?.split(|byte| *byte == b' ').next()?;
    str::from_utf8(first).ok()?.parse().ok()
}
