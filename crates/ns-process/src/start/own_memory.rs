//! Whether a process whose lock has ended has its own memory yet.
//!
//! Kernels differ in the order of exec: older ones detach the memory before they close descriptors,
//! newer ones close descriptors first (fs/exec.c `begin_new_exec`, in Linux 6.12.118). So the end
//! of the lock alone does not prove that the memory is left.

use std::path::Path;
use std::prelude::rust_2024::*;
use std::process;

use ns_sys::child::is_readable;
use ns_sys::kcmp_vm;

use super::child::Child;
use super::exec_name::CommFile;
use crate::proc_dir::first_child;

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
