//! The directory of the child in proc.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::OFlags;

use super::child::Child;
use super::exec_name::{CommFile, ExecName, open_comm};
use crate::plan::Plan;
use crate::proc_dir::{ProcDir, has_own_pids, path_in, pid_of};

/// The errno of a directory that could not be opened, and the object of the error.
pub(super) type Missing = (Errno, String);

impl Child<'_> {
    /// Opens its directory in the proc that is mounted at `proc`.
    pub(super) fn proc_dir(&self, proc: &Path) -> Result<ProcDir, Missing> {
        let failed = |path: &Path| path.display().to_string();
        let pid = self.pid_in(proc).map_err(|errno| (errno, failed(&path_in(proc, "self"))))?;
        let dir = ProcDir::open(proc, pid).map_err(|errno| (errno, failed(&path_in(proc, pid))))?;
        // If SIGCHLD is ignored, the process ID may be reused as soon as the child exits.
        if self.pid_may_be_reused() {
            return Err((Errno::SRCH, format!("process {}", self.pid())));
        }
        Ok(dir)
    }

    /// The process ID of the child in the proc that is mounted at `proc`, which is the same in each
    /// call.
    ///
    /// In a proc of another pid namespace, the caller and the child have other process IDs. The
    /// child's own process ID may belong to another process there.
    pub(super) fn pid_in(&self, proc: &Path) -> Result<u32, Errno> {
        if let Some(pid) = self.proc_pid.get() {
            return Ok(pid);
        }
        let is_own = has_own_pids(proc)?;
        let pid = if is_own { self.pid() } else { pid_of(proc, self.pidfd())? };
        self.proc_pid.set(Some(pid));
        Ok(pid)
    }

    /// Opens its `/proc/PID/comm`. The child is to be given `name` before exec.
    pub(super) fn open_comm<'a>(&self, plan: &Plan, name: &'a ExecName) -> CommFile<'a> {
        let proc = &plan.maps.proc;
        let comm = if plan.has_exit_signal() {
            // This verifies that the process ID was not reused. A wrong process would look like one
            // that has executed something.
            let dir = self.proc_dir(proc).ok();
            dir.and_then(|dir| dir.open_file("comm", OFlags::RDONLY).ok())
        } else {
            self.pid_in(proc).ok().and_then(|pid| open_comm(proc, pid))
        };
        CommFile::new(comm, name)
    }
}
