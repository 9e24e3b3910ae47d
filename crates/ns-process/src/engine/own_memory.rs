//! Whether a process that has closed what exec closes has memory of its own yet.
//!
//! Kernels differ in what exec does first: older ones take the memory before they close descriptors, newer ones
//! close them before (fs/exec.c `begin_new_exec`, in Linux 6.12.118). So the end of a lock alone proves nothing
//! there.

use std::format;
use std::fs;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::process;

use ns_sys::child::is_readable;
use ns_sys::kcmp_vm;

use super::child::Child;
use super::exec_name::Named;
use super::folder;

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
        let Ok(init) = folder::number(proc, self) else { return true };
        let children = proc.join(format!("{init}/task/{init}/children"));
        let Ok(children) = fs::read_to_string(children) else { return true };
        let first = children.split_ascii_whitespace().next();
        let first = first.and_then(|number| number.parse().ok());
        let is_unexecuted = first.and_then(|number| named.beside(proc, number).is_unexecuted());
        is_unexecuted != Some(true)
    }
}
