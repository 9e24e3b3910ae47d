//! The child's folder in proc, which may be that of an outer pid namespace.

use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::child::Child;
use crate::proc_number::{has_own_numbers, number_of, path_in};

/// `/proc/PID` of a child that is still there.
#[derive(Debug)]
pub(super) struct ProcDir {
    fd: OwnedFd,
    number: u32,
}

/// Why there is none, and what was looked at.
pub(super) type Missing = (Errno, String);

impl ProcDir {
    /// Opens it in the proc that is mounted at `proc`.
    pub(super) fn open(proc: &Path, child: &Child<'_>) -> Result<Self, Missing> {
        let number =
            child.number_in(proc).map_err(|errno| (errno, format!("{}/self", proc.display())))?;
        let path = path_in(proc, number);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, &path, flags, Mode::empty())
            .map_err(|errno| (errno, path.display().to_string()))?;
        // With `SIGCHLD` ignored its number may be another one's the moment it dies.
        if child.may_be_gone() {
            return Err((Errno::SRCH, format!("process {}", child.pid())));
        }
        Ok(Self { fd, number })
    }

    /// What the child is called in this proc.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

impl AsFd for ProcDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Child<'_> {
    /// What it is called in the proc that is mounted at `proc`, which is the same one each time.
    ///
    /// A proc of another pid namespace has other numbers for the caller and for its child; the child's
    /// own number may be a stranger's there.
    pub(super) fn number_in(&self, proc: &Path) -> Result<u32, Errno> {
        if let Some(number) = self.number.get() {
            return Ok(number);
        }
        let is_own = has_own_numbers(proc)?;
        let number = if is_own { self.pid() } else { number_of(proc, self.pidfd())? };
        self.number.set(Some(number));
        Ok(number)
    }
}
