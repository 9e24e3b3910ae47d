//! Finds out whether a forked child has executed its program.
//!
//! libc's fork gave the child an exit signal, so the `__WCLONE` probe cannot tell whether it has
//! executed. Its name shows that instead. The file of the name is opened while the child waits,
//! because the process ID may be reused later.

use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;

use super::child::Child;
use super::exec_name::CommFile;
use super::too_slow;
use crate::error::Error;
use crate::plan::Plan;

/// The sleep between two checks: a process needs some microseconds from leaving its memory to the
/// end of exec or exit.
const POLL_INTERVAL: Duration = Duration::from_micros(50);

impl Child<'_> {
    /// As [`executed`](Self::executed), for a forked child.
    pub(super) fn probe_exec(
        &self,
        plan: &Plan,
        comm: &CommFile<'_>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        // The child has the name from shortly before exec.
        if !self.handshake().is_executing() {
            return Err(self.died(plan));
        }
        loop {
            // A dead process keeps its last name.
            let is_dead = is_readable(self.pidfd()) == Ok(true);
            match comm.is_before_exec() {
                Some(false) => return Ok(()),
                Some(true) if is_dead => return Err(self.died(plan)),
                None => return self.executed_if_attempted(plan),
                // The exec or the exit is still in progress.
                Some(true) => thread::sleep(POLL_INTERVAL),
            }
            if deadline.is_some_and(|end| end <= Instant::now()) {
                return Err(too_slow(plan, self.pid()));
            }
        }
    }
}
