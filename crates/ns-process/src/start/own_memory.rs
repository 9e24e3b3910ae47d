//! Whether a process that has closed what exec closes has memory of its own yet.
//!
//! Kernels differ in what exec does first: older ones take the memory before they close descriptors, newer ones
//! close them before (fs/exec.c `begin_new_exec`, in Linux 6.12.118). So the end of a lock alone proves nothing
//! there.

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
use super::exec_name::Named;
use crate::proc_dir::path_in;

/// Room for any number, and the space that ends it.
const LENGTH: usize = 11;

impl Child<'_> {
    /// Whether it has memory of its own, or is dead.
    pub(super) fn has_own_memory(&self, named: &Named<'_>) -> bool {
        // Without a proc the kernel compares the memory. It may wait, but not where the lock ends first.
        let is_unexecuted = named.is_unexecuted();
        !is_unexecuted.unwrap_or_else(|| kcmp_vm(process::id(), self.pid()) == Ok(true))
            || is_readable(self.pidfd()) == Ok(true)
    }

    /// The same of the program beside an init, which `self` has become. It is the first child of the init, or
    /// gone. Where proc does not tell, the end of the lock has to do.
    pub(super) fn has_program_own_memory(&self, proc: &Path, named: &Named<'_>) -> bool {
        let first = self.number_in(proc).ok().and_then(|init| first_child(proc, init));
        let is_unexecuted =
            first.and_then(|number| named.init_process(proc, number).is_unexecuted());
        is_unexecuted != Some(true)
    }
}

/// The oldest child of a process, by proc_pid_task(5).
fn first_child(proc: &Path, number: u32) -> Option<u32> {
    let path = path_in(proc, format_args!("{number}/task/{number}/children"));
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; LENGTH];
    let length = retry_on_intr(|| pread(&file, &mut text, 0)).ok()?;
    let first = text.get(..length)?.split(|byte| *byte == b' ').next()?;
    str::from_utf8(first).ok()?.parse().ok()
}
