//! Describes how the caller finds out that the child has left the memory.

use std::format;
use std::prelude::rust_2024::*;

use super::super::{Dumpable, Plan};

impl Plan {
    /// The requirement on the caller's dumpable flag; `None` with a copy of the memory.
    pub(super) fn flag(&self) -> Option<Dumpable> {
        (!self.expected_route().copies_memory()).then(|| self.dumpable(self.join.kinds()))
    }

    /// Whether the child takes a record lock, whose release the caller waits for.
    pub(super) fn takes_lock(&self) -> bool {
        matches!(self.flag(), Some(Dumpable::Cleared | Dumpable::ClearedAtGo))
    }

    pub(super) fn lock_line(&self) -> Option<String> {
        self.takes_lock().then(|| "fcntl(F_SETFD); fcntl(F_SETLK)".to_owned())
    }

    /// Whether the child gets a process name by which the caller sees that it has not executed anything yet.
    pub(super) fn has_exec_name(&self) -> bool {
        self.takes_lock() || self.has_exit_signal()
    }

    pub(super) fn name_line(&self) -> Option<String> {
        self.has_exec_name().then(|| "prctl(PR_SET_NAME)".to_owned())
    }

    /// The file from which the caller reads that name.
    pub(super) fn describe_comm(&self) -> impl Iterator<Item = String> {
        let proc = &self.maps.proc;
        let lines = [
            format!("readlinkat({:?})", proc.join("self").to_string_lossy()),
            format!("open({:?})", proc.join("PID/comm").to_string_lossy()),
        ];
        lines.into_iter().filter(|_| self.has_exec_name())
    }

    /// The checks before the caller restores its dumpable flag.
    pub(super) fn describe_proof(&self) -> impl Iterator<Item = String> {
        let lines = ["fcntl(F_GETLK)", "pread(comm)", "prctl(PR_SET_DUMPABLE, 1)"];
        lines.into_iter().filter(|_| self.takes_lock()).map(ToOwned::to_owned)
    }

    /// The dumpable flag of the first process with a copy of the memory.
    pub(super) fn describe_own_flag(&self) -> Option<String> {
        self.expected_route().copies_memory().then(|| "prctl(PR_SET_DUMPABLE)".to_owned())
    }
}
