//! Whether the program of a child with memory of its own was executed.
//!
//! libc's fork gave it an exit signal, so that the kernel cannot be asked as of others. It has a flag for
//! processes that have executed nothing, in a file that is opened while the child waits: its number
//! may be another one's later.

use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{pread, retry_on_intr};

use super::child::Child;
use super::folder::Folder;
use super::report::is_unexecuted;
use super::too_slow;
use crate::error::Error;
use crate::plan::Plan;

/// How long a process is between leaving its memory and being another program, or dead.
const BETWEEN: Duration = Duration::from_micros(50);

/// `/proc/PID/stat` of a waiting child; `None` where there is no proc.
#[derive(Debug)]
pub(super) struct Stat(Option<OwnedFd>);

impl Stat {
    pub(super) fn of(plan: &Plan, child: &Child<'_>) -> Self {
        let folder = Folder::open(&plan.maps.proc, child).ok();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Self(folder.and_then(|folder| openat(folder, "stat", flags, Mode::empty()).ok()))
    }

    /// Whether it has executed nothing, and whether it is dead; `None` once it is reaped.
    fn look(&self) -> Option<(bool, bool)> {
        let mut text = [0; 512];
        let file = self.0.as_ref()?;
        let length = retry_on_intr(|| pread(file, &mut text, 0)).ok()?;
        is_unexecuted(&String::from_utf8_lossy(text.get(..length)?))
    }
}

impl Child<'_> {
    /// As [`executed`](Self::executed).
    pub(super) fn executed_apart(
        &self,
        plan: &Plan,
        stat: &Stat,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        loop {
            match stat.look() {
                Some((false, _)) => return Ok(()),
                Some((true, true)) => return Err(self.died(plan)),
                None => return self.executed_if_it_tried(plan),
                // It is about to be either.
                Some((true, false)) => thread::sleep(BETWEEN),
            }
            if deadline.is_some_and(|end| end <= Instant::now()) {
                return Err(too_slow(plan, self.pid()));
            }
        }
    }
}
