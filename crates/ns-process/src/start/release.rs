//! Letting the child go, once its maps hold and the hooks are done.

use std::prelude::rust_2024::*;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ns_sys::futex;

use super::attempt::{Attempt, Failure};
use super::child::Child;
use super::maps;
use super::outcome;
use super::time;
use super::too_slow;
use crate::error::Error;
use crate::in_child::{GO, Handshake};
use crate::plan::Plan;
use crate::proc_dir::ProcDir;
use crate::settings::{HookError, WaitingChild, errno_of};
use crate::step::Step;

impl Child<'_> {
    /// Waits until the child has made the namespaces that it makes itself.
    fn has_made(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        if !self.changes(&self.handshake().has_made, |made| made == 1, deadline) {
            return Err(too_slow(plan, self.pid()));
        }
        match self.handshake().reported() {
            Some(report) => Err(outcome::failed(plan, report)),
            None => Ok(()),
        }
    }

    /// Writes the maps, runs the hooks and says go, where the child waits for it.
    pub(super) fn release(&self, attempt: &Attempt<'_>) -> Result<(), Failure> {
        let plan = attempt.plan();
        if !plan.made_inside().is_empty() {
            self.has_made(plan, attempt.deadline())?;
        }
        if plan.writes_files() {
            // A child that was killed has no maps any more, and they are not what failed.
            let written = self.write_files(plan, attempt.deadline());
            written.map_err(|error| {
                self.ended(plan).map_or_else(|| attempt.unwritten(error), Failure::from)
            })?;
        }
        if plan.needs_go() {
            attempt.maps_written()?;
            self.run_hooks(plan)?;
            signal(self.handshake(), GO);
        }
        Ok(())
    }

    fn write_files(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        let dir = self.dir(plan)?;
        maps::write(plan, &dir, deadline)?;
        time::write(plan, &dir)
    }

    fn dir(&self, plan: &Plan) -> Result<ProcDir, Error> {
        let step = if plan.writes_maps() { Step::UidMap } else { Step::TimeOffsets };
        self.proc_dir(&plan.maps.proc).map_err(|(errno, looked_at)| {
            Error::new(&plan.name, step).with_errno(errno).with_object(looked_at)
        })
    }

    fn run_hooks(&self, plan: &Plan) -> Result<(), Error> {
        let child = WaitingChild::new(self.pid(), self.pidfd());
        plan.hooks.0.iter().try_for_each(|hook| hook(&child)).map_err(|error| refused(plan, &error))
    }
}

fn refused(plan: &Plan, message: &HookError) -> Error {
    let error = Error::new(&plan.name, Step::BeforeGo).with_object(message.to_string());
    match errno_of(message) {
        Some(errno) => error.with_errno(errno),
        None => error,
    }
}

/// Says `word` to a waiting child.
pub(super) fn signal(handshake: &Handshake, word: u32) {
    handshake.go.store(word, Ordering::Release);
    // If the wake were lost, the child's own round of 100 ms would end.
    let _ = futex::wake(&handshake.go, 1);
}
