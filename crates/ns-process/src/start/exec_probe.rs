//! Whether the program of a child with memory of its own was executed.
//!
//! libc's fork gave it an exit signal, so that the kernel cannot be asked as of others. Its name tells, in a file
//! that is opened while the child waits: its number may be another one's later.

use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;

use super::child::Child;
use super::exec_name::Named;
use super::too_slow;
use crate::error::Error;
use crate::plan::Plan;

/// How long a process is between leaving its memory and being another program, or dead.
const BETWEEN: Duration = Duration::from_micros(50);

impl Child<'_> {
    /// As [`executed`](Self::executed).
    pub(super) fn probe_exec(
        &self,
        plan: &Plan,
        named: &Named<'_>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        // It has the name from shortly before on.
        if !self.handshake().is_executing() {
            return Err(self.died(plan));
        }
        loop {
            // The dead keep the name that they had.
            let is_dead = is_readable(self.pidfd()) == Ok(true);
            match named.is_unexecuted() {
                Some(false) => return Ok(()),
                Some(true) if is_dead => return Err(self.died(plan)),
                None => return self.executed_if_it_tried(plan),
                // It is about to be either.
                Some(true) => thread::sleep(BETWEEN),
            }
            if deadline.is_some_and(|end| end <= Instant::now()) {
                return Err(too_slow(plan, self.pid()));
            }
        }
    }
}
