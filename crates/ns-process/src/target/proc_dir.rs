//! The folder of a target in proc.

use std::ffi::CString;
use std::format;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::child::is_readable;
use ns_sys::{Errno, Namespace};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};

use crate::proc_number::number_of;

/// `/proc/PID` of a process: known to be its own, and empty once it has ended.
#[derive(Debug)]
pub(super) struct ProcDir(OwnedFd);

impl ProcDir {
    /// `None` where there is none, or the process has ended: the number may be another one's by then.
    pub(super) fn open(proc: &Path, pidfd: &OwnedFd) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = proc.join(number_of(proc, pidfd).ok()?.to_string());
        let dir = openat(CWD, path, flags, Mode::empty()).ok()?;
        (is_readable(pidfd.as_fd()) == Ok(false)).then_some(Self(dir))
    }

    /// One of its files.
    pub(super) fn open_file(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat(&self.0, path, flags | OFlags::CLOEXEC, Mode::empty())
    }

    /// What its namespace of a kind is called; equal where that is the same one.
    pub(super) fn link(&self, kind: Namespace) -> Option<CString> {
        readlinkat(&self.0, format!("ns/{}", kind.name()), Vec::new()).ok()
    }

    /// What stands in one of its files.
    pub(super) fn read(&self, path: &str) -> io::Result<String> {
        let mut text = String::new();
        File::from(self.open_file(path, OFlags::RDONLY)?).read_to_string(&mut text)?;
        Ok(text)
    }
}

impl AsFd for ProcDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
