//! Whether a process whose lock has ended has its own memory yet.
//!
//! Kernels differ in the order of exec: older ones detach the memory before they close descriptors,
//! newer ones close descriptors first (fs/exec.c `begin_new_exec`, in Linux 6.12.118). So the end
//! of the lock alone does not prove that the memory is left.

use std::format_args;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::process;
use std::str;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{pread, retry_on_intr};

use ns_sys::child::is_readable;
use ns_sys::kcmp_vm;

use super::child::Child;
use super::exec_name::CommFile;
use crate::proc_dir::path_in;

/// The most bytes of a process ID: ten digits, and the space after them.
const LENGTH: usize = 11;

impl Child<'_> {
    /// Whether the child has its own memory, or is dead.
    pub(super) fn has_own_memory(&self, comm: &CommFile<'_>) -> bool {
        // Without proc, kcmp(2) compares the memory. It may block, but not on kernels on which the
        // lock ends first.
        let is_before_exec = comm.is_before_exec();
        !is_before_exec.unwrap_or_else(|| kcmp_vm(process::id(), self.pid()) == Ok(true))
            || is_readable(self.pidfd()) == Ok(true)
    }

    /// Whether the program alongside an init has its own memory, or is dead; `self` is the init.
    /// The program is the first child of the init, unless it has been reaped. If proc does not show
    /// it, the end of the lock is the only evidence.
    pub(super) fn has_program_own_memory(&self, proc: &Path, comm: &CommFile<'_>) -> bool {
        let first = self.pid_in(proc).ok().and_then(|init| first_child(proc, init));
        let is_before_exec = first.and_then(|pid| comm.for_process(proc, pid).is_before_exec());
        is_before_exec != Some(true)
    }
}

/// The oldest child of a process, from proc_pid_task(5).
fn first_child(proc: &Path, pid: u32) -> Option<u32> {
    let path = path_in(proc, format_args!("{pid}/task/{pid}/children"));
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; LENGTH];
    let length = retry_on_intr(|| pread(&file, &mut text, 0)).ok()?;
    let first = text.get(..length)?.split(|byte| *byte == b' ').next()?;
    str::from_utf8(first).ok()?.parse().ok()
}
