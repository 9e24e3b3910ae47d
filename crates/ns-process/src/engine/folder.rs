//! The child's folder in proc, which may be that of an outer pid namespace.

use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::child::Child;
use crate::proc_number::{has_own_numbers, number_of};

/// `/proc/PID` of a child that is still there.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    number: u32,
}

/// Why there is none, and what was looked at.
pub(super) type Missing = (Errno, String);

impl Folder {
    /// Opens it in the proc that is mounted at `proc`.
    pub(super) fn open(proc: &Path, child: &Child<'_>) -> Result<Self, Missing> {
        let number =
            number(proc, child).map_err(|errno| (errno, format!("{}/self", proc.display())))?;
        let path = format!("{}/{number}", proc.display());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, path.as_str(), flags, Mode::empty()).map_err(|errno| (errno, path))?;
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

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A proc of another pid namespace has other numbers for the caller and for its child; the child's
/// own number may be a stranger's there.
pub(super) fn number(proc: &Path, child: &Child<'_>) -> Result<u32, Errno> {
    if has_own_numbers(proc)? { Ok(child.pid()) } else { number_of(proc, child.pidfd()) }
}
