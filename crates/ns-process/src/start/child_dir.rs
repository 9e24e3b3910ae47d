//! The directory of the child in proc.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::child::Child;
use crate::proc_dir::{ProcDir, has_own_numbers, number_of, path_in};

/// Why the directory could not be opened, and what the error is about.
pub(super) type Missing = (Errno, String);

impl Child<'_> {
    /// Opens its directory in the proc that is mounted at `proc`.
    pub(super) fn proc_dir(&self, proc: &Path) -> Result<ProcDir, Missing> {
        let failed = |path: &Path| path.display().to_string();
        let number =
            self.number_in(proc).map_err(|errno| (errno, failed(&path_in(proc, "self"))))?;
        let dir =
            ProcDir::open(proc, number).map_err(|errno| (errno, failed(&path_in(proc, number))))?;
        // If SIGCHLD is ignored, the process ID may be reused as soon as the child exits.
        if self.may_be_gone() {
            return Err((Errno::SRCH, format!("process {}", self.pid())));
        }
        Ok(dir)
    }

    /// Its process ID in the proc that is mounted at `proc`, which is the same one in each call.
    ///
    /// The proc of another pid namespace has other process IDs for the caller and for the child; there, the child's
    /// own process ID may be that of another process.
    pub(super) fn number_in(&self, proc: &Path) -> Result<u32, Errno> {
        if let Some(number) = self.number.get() {
            return Ok(number);
        }
        let is_own = has_own_numbers(proc)?;
        let number = if is_own { self.pid() } else { number_of(proc, self.pidfd())? };
        self.number.set(Some(number));
        Ok(number)
    }
}
