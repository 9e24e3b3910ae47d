//! Whether a process that has closed what exec closes has memory of its own yet.
//!
//! Kernels differ in what exec does first: older ones take the memory before they close descriptors, newer ones
//! close them before (fs/exec.c `begin_new_exec`, in Linux 6.12.118). So the end of a lock alone proves nothing
//! there.

use std::format;
use std::fs;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::process;

use ns_sys::child::is_readable;
use ns_sys::kcmp_vm;

use super::child::Child;
use super::folder;
use super::report::is_unexecuted;
use crate::proc_number::has_own_numbers;

impl Child<'_> {
    /// Whether it has memory of its own, or is dead. The kernel compares the memory where the caller may read
    /// the process; where not, proc tells whether it has executed anything, and where that does not tell, the
    /// end of the lock has to do.
    pub(super) fn has_own_memory(&self, proc: &Path) -> bool {
        // Its number may be another one's once it is reaped.
        let is_told = is_apart(self.pid()).unwrap_or_else(|| {
            self.number_in(proc).is_none_or(|number| has_executed(&folder_of(proc, number)))
        });
        is_told || is_readable(self.pidfd()) == Ok(true)
    }

    /// The same of the program beside an init, which `self` has become. The init knows it as `program`; it is the
    /// first child of the init, or gone.
    pub(super) fn has_program_own_memory(&self, proc: &Path, program: u32) -> bool {
        let Some(init) = self.number_in(proc) else { return true };
        let children = folder_of(proc, init).join(format!("task/{init}/children"));
        let Ok(children) = fs::read_to_string(children) else { return true };
        let first = children.split_ascii_whitespace().next();
        let Some(first) = first.and_then(|number| number.parse().ok()) else { return true };
        let told = if has_own_numbers(proc) == Ok(true) { is_apart(first) } else { None };
        told.unwrap_or_else(|| {
            let folder = folder_of(proc, first);
            // What the program left when it ended are children of the init as well.
            innermost_number(&folder) != Some(program) || has_executed(&folder)
        })
    }

    fn number_in(&self, proc: &Path) -> Option<u32> {
        folder::number(proc, self).ok()
    }
}

/// By the kernel's word, if it gives one.
fn is_apart(number: u32) -> Option<bool> {
    kcmp_vm(process::id(), number).ok().map(|is_shared| !is_shared)
}

fn folder_of(proc: &Path, number: u32) -> PathBuf {
    proc.join(format!("{number}"))
}

/// In the pid namespace that the process itself is in.
fn innermost_number(folder: &Path) -> Option<u32> {
    let status = fs::read(folder.join("status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_ascii_whitespace().next_back()?.parse().ok()
}

/// Also of one that is dead, gone, or hidden.
fn has_executed(folder: &Path) -> bool {
    let Ok(stat) = fs::read(folder.join("stat")) else { return true };
    is_unexecuted(&String::from_utf8_lossy(&stat)).is_none_or(|(never, dead)| dead || !never)
}
