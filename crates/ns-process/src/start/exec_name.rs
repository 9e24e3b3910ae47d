//! The name that a child has until it has executed something, and the file in proc that shows it.
//!
//! Exec sets the name of the process to the name of its program (proc_pid_comm(5)) after it has
//! detached the previous memory (fs/exec.c `begin_new_exec`). Reading the name never blocks. The
//! other interfaces that show the memory, such as kcmp(2) and `/proc/PID/stat`, wait for a lock
//! that exec may hold while it closes descriptors, for as long as a file system takes.

use std::ffi::CStr;
use std::format_args;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::prelude::rust_2024::*;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{pread, retry_on_intr};

use crate::proc_dir::path_in;

/// `TASK_COMM_LEN` of include/linux/sched.h, including the NUL.
const LENGTH: usize = 16;

/// A random name, so that no program can guess it and set it as its own.
#[derive(Debug)]
pub(crate) struct ExecName([u8; LENGTH]);

impl ExecName {
    /// Makes a new name. Each attempt has its own, because the process ID of a child may soon be
    /// reused by another start.
    pub(crate) fn new() -> Self {
        let random = RandomState::new().build_hasher().finish();
        let mut name = [0; LENGTH];
        for (place, digit) in (0..).zip(&mut name[..LENGTH - 1]) {
            *digit = b"0123456789abcdef"[(random >> (4 * place) & 15) as usize];
        }
        Self(name)
    }

    #[cfg(test)]
    pub(crate) fn of(pid: u32) -> Self {
        let text =
            std::fs::read(path_in(Path::new("/proc"), format_args!("{pid}/comm"))).expect("read");
        let text = text.strip_suffix(b"\n").expect("a line");
        let mut name = [0; LENGTH];
        name[..text.len()].copy_from_slice(text);
        Self(name)
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    pub(crate) fn from_bytes(mut name: [u8; LENGTH]) -> Self {
        name[LENGTH - 1] = 0;
        Self(name)
    }

    /// Whether the file `comm` of a process shows this name; `None` if it cannot be read.
    pub(crate) fn is_in(&self, comm: Option<&OwnedFd>) -> Option<bool> {
        let mut text = [0; LENGTH + 1];
        let comm = comm?;
        let length = retry_on_intr(|| pread(comm, &mut text, 0)).ok()?;
        let line = text.get(..length)?;
        Some(line.strip_suffix(b"\n") == Some(self.as_c_str().to_bytes()))
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// The open `/proc/PID/comm` of a child, and the name that it has before exec.
#[derive(Debug)]
pub(crate) struct CommFile<'a> {
    /// `None` without proc.
    comm: Option<OwnedFd>,
    name: &'a ExecName,
}

impl<'a> CommFile<'a> {
    pub(crate) fn new(comm: Option<OwnedFd>, name: &'a ExecName) -> Self {
        Self { comm, name }
    }

    /// The file of another process that was given the same name.
    pub(crate) fn for_process(&self, proc: &Path, pid: u32) -> Self {
        Self { comm: open_comm(proc, pid), name: self.name }
    }

    /// Whether the process still has the name. It has the name from shortly before exec until exec
    /// has replaced the memory. `None` if the file cannot be read, such as once the process is
    /// reaped.
    pub(crate) fn is_before_exec(&self) -> Option<bool> {
        self.name.is_in(self.comm.as_ref())
    }
}

/// Opens `/proc/PID/comm` in the proc that is mounted at `proc`.
pub(crate) fn open_comm(proc: &Path, pid: u32) -> Option<OwnedFd> {
    let path = path_in(proc, format_args!("{pid}/comm"));
    openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}
