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
use super::folder;
use super::report::is_unexecuted;

impl Child<'_> {
    /// Whether it has memory of its own, or is dead. The kernel compares the memory where the caller may read
    /// the process; where not, proc tells whether it has executed anything, and where that does not tell, the
    /// end of the lock has to do.
    pub(super) fn has_own_memory(&self, proc: &Path) -> bool {
        // Its number may be another one's once it is reaped.
        let is_told = match kcmp_vm(process::id(), self.pid()) {
            Ok(is_shared) => !is_shared,
            Err(_) => self.number_in(proc).is_none_or(|number| has_executed(proc, number)),
        };
        is_told || is_readable(self.pidfd()) == Ok(true)
    }

    /// The same of the program beside an init, which `self` has become. Its number is not known here, but it is
    /// the first child of the init. As above where proc does not tell.
    pub(super) fn has_program_own_memory(&self, proc: &Path) -> bool {
        let Some(init) = self.number_in(proc) else { return true };
        let children = proc.join(format!("{init}/task/{init}/children"));
        let Ok(children) = fs::read_to_string(children) else { return true };
        let Some(first) = children.split_ascii_whitespace().next() else { return true };
        first.parse().is_ok_and(|number| has_executed(proc, number))
    }

    fn number_in(&self, proc: &Path) -> Option<u32> {
        folder::number(proc, self).ok()
    }
}

/// Also of one that is dead, gone, or hidden.
fn has_executed(proc: &Path, number: u32) -> bool {
    let Ok(stat) = fs::read(proc.join(format!("{number}/stat"))) else { return true };
    is_unexecuted(&String::from_utf8_lossy(&stat)).is_none_or(|(never, dead)| dead || !never)
}
