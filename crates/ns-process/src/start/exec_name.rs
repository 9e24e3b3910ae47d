//! The name that a child has until it has executed something, and where it is seen.
//!
//! Exec gives a process the name of its program (proc_pid_comm(5)) after it has taken the former memory (fs/exec.c
//! `begin_new_exec`). To look at it waits for nothing. What else tells of the memory, kcmp(2) and
//! `/proc/PID/stat` among them, waits for a lock that exec may hold while it closes descriptors, for as long as a
//! file system likes.

use std::ffi::CStr;
use std::format_args;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::prelude::rust_2024::*;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{pread, retry_on_intr};

use super::child::Child;
use crate::plan::Plan;
use crate::proc_dir::path_in;

/// `TASK_COMM_LEN` of include/linux/sched.h, with the NUL.
const LENGTH: usize = 16;

/// No program can guess it, and give it to itself.
#[derive(Debug)]
pub(super) struct ExecName([u8; LENGTH]);

impl ExecName {
    /// Another one for each attempt: the number of a child may be that of another start's soon.
    pub(super) fn new() -> Self {
        let number = RandomState::new().build_hasher().finish();
        let mut name = [0; LENGTH];
        write!(&mut name[..LENGTH - 1], "{:015x}", number >> 4).expect("fifteen digits");
        Self(name)
    }

    #[cfg(test)]
    pub(super) fn of(pid: u32) -> Self {
        let text =
            std::fs::read(path_in(Path::new("/proc"), format_args!("{pid}/comm"))).expect("read");
        let text = text.strip_suffix(b"\n").expect("a line");
        let mut name = [0; LENGTH];
        name[..text.len()].copy_from_slice(text);
        Self(name)
    }

    pub(super) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// A child that was to have a name, and `/proc/PID/comm`.
#[derive(Debug)]
pub(super) struct Named<'a> {
    /// `None` where there is no proc.
    comm: Option<OwnedFd>,
    name: &'a ExecName,
}

impl<'a> Named<'a> {
    pub(super) fn new(plan: &Plan, child: &Child<'_>, name: &'a ExecName) -> Self {
        let proc = &plan.maps.proc;
        let comm = if plan.has_exit_signal() {
            // Another process would have executed something.
            let dir = child.proc_dir(proc).ok();
            dir.and_then(|dir| open(dir, Path::new("comm")))
        } else {
            child.number_in(proc).ok().and_then(|number| open_in(proc, number))
        };
        Self { comm, name }
    }

    /// Another one that was to have the same name.
    pub(super) fn init_process(&self, proc: &Path, number: u32) -> Self {
        Self { comm: open_in(proc, number), name: self.name }
    }

    /// Whether it has that name, as it has from shortly before exec on until then; `None` once it is reaped.
    pub(super) fn is_unexecuted(&self) -> Option<bool> {
        let mut text = [0; LENGTH + 1];
        let comm = self.comm.as_ref()?;
        let length = retry_on_intr(|| pread(comm, &mut text, 0)).ok()?;
        let line = text.get(..length)?;
        Some(line.strip_suffix(b"\n") == Some(self.name.as_c_str().to_bytes()))
    }
}

fn open_in(proc: &Path, number: u32) -> Option<OwnedFd> {
    open(CWD, &path_in(proc, format_args!("{number}/comm")))
}

fn open(dir: impl AsFd, path: &Path) -> Option<OwnedFd> {
    openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}
