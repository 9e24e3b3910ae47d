//! Releases the child once its maps and clock offsets are written and the hooks have run.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ns_sys::Errno;
use rustix::fs::{Mode, OFlags, openat};

use super::attempt::{Attempt, Failure};
use super::child::Child;
use super::maps;
use super::outcome;
use super::{Start, too_slow};
use crate::error::Error;
use crate::hint;
use crate::in_child::GO;
use crate::plan::Plan;
use crate::proc_dir::ProcDir;
use crate::settings::{HookError, Hooks, WaitingChild, errno_of};
use crate::step::Step;

impl Start<'_> {
    /// Moves the child to the target's cgroups, writes its maps, runs the hooks and releases it, as
    /// far as the child waits for that.
    pub(super) fn release(self, child: &Child<'_>) -> Result<(), Failure> {
        let Attempt { plan, joined, deadline, .. } = self.attempt();
        joined.move_to_cgroups(plan.spec(), || child.checked_pid(plan))?;
        if !plan.made_inside().is_empty() {
            child.wait_made(plan, *deadline)?;
        }
        if plan.writes_files() {
            // If the child was killed, its maps are gone too, and the death of the child is the
            // error to report.
            let written = child.write_files(plan, *deadline);
            written.map_err(|error| {
                child.ended(plan).map_or_else(|| self.resources.map_failure(error), Failure::from)
            })?;
        }
        if plan.needs_go() {
            self.resources.maps_written()?;
            let cgroups = child.cgroups(plan);
            child.run_hooks(plan, Step::BeforeGo, &plan.hooks)?;
            // Without proc this is unknown, and another namespace has the right root all the same.
            if cgroups.is_none() || cgroups != child.cgroups(plan) {
                child.handshake().set_moved();
            }
            child.handshake().signal(GO);
        }
        if !plan.pivot_hooks.0.is_empty() {
            child.wait_mounted(plan, *deadline)?;
            child.run_hooks(plan, Step::BeforePivot, &plan.pivot_hooks)?;
            child.handshake().release_before_pivot();
        }
        Ok(())
    }
}

impl Child<'_> {
    /// The process ID. Fails if it may have been reused.
    fn checked_pid(&self, plan: &Plan) -> Result<u32, Error> {
        if self.pid_may_be_reused() {
            return Err(self.ended(plan).unwrap_or_else(|| self.died(plan)));
        }
        Ok(self.pid())
    }

    /// Waits until the child has created the namespaces that it creates itself.
    fn wait_made(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        if !self.wait_word(&self.handshake().has_made, |made| made == 1, deadline) {
            return Err(too_slow(plan, self.pid()));
        }
        match self.handshake().reported() {
            Some(report) => Err(outcome::failed(self.resources.attempt(), report)),
            None => Ok(()),
        }
    }

    fn write_files(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        let dir = self.open_proc_dir(plan)?;
        maps::write(plan, &dir, deadline)?;
        write_offsets(plan, &dir)
    }

    fn open_proc_dir(&self, plan: &Plan) -> Result<ProcDir, Error> {
        let step = if plan.writes_maps() { Step::UidMap } else { Step::TimeOffsets };
        self.proc_dir(&plan.maps.proc).map_err(|(errno, path)| {
            let error = Error::new(&plan.name, step).with_errno(errno).with_object(path);
            error.with_hint(hint::for_descriptors(errno))
        })
    }

    /// The cgroups of the child as the caller sees them, if a move of the child matters.
    fn cgroups(&self, plan: &Plan) -> Option<Vec<u8>> {
        if plan.made_again().is_empty() {
            return None;
        }
        let dir = self.proc_dir(&plan.maps.proc).ok()?;
        let file = openat(&dir, "cgroup", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = Vec::new();
        File::from(file).read_to_end(&mut text).ok()?;
        Some(text)
    }

    /// Waits until the child has made its mounts.
    fn wait_mounted(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        let has_mounted = &self.handshake().has_mounted;
        if !self.wait_word(has_mounted, |mounted| mounted == 1, deadline) {
            return Err(too_slow(plan, self.pid()));
        }
        let is_waiting = has_mounted.load(Ordering::Acquire) == 1;
        match self.handshake().reported() {
            Some(report) => Err(outcome::failed(self.resources.attempt(), report)),
            None if is_waiting => Ok(()),
            None => Err(self.died(plan)),
        }
    }

    fn run_hooks(&self, plan: &Plan, step: Step, hooks: &Hooks) -> Result<(), Error> {
        let child = WaitingChild::new(self.pid(), self.pidfd());
        let run = hooks.0.iter().try_for_each(|hook| hook(&child));
        run.map_err(|error| refused(plan, step, &error))
    }
}

fn refused(plan: &Plan, step: Step, message: &HookError) -> Error {
    let error = Error::new(&plan.name, step).with_object(message.to_string());
    match errno_of(message) {
        Some(errno) => error.with_errno(errno),
        None => error,
    }
}

/// Writes the offsets of both clocks in one call, because the kernel accepts none once a process
/// lives in the namespace.
fn write_offsets(plan: &Plan, dir: &ProcDir) -> Result<(), Error> {
    let Some(text) = &plan.time_offsets else { return Ok(()) };
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = openat(dir, "timens_offsets", flags, Mode::empty());
    let written = file.and_then(|file: OwnedFd| {
        let errno = |error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        File::from(file).write_all(text.as_bytes()).map_err(errno)
    });
    written.map_err(|errno| {
        let object = text.trim_end().replace('\n', ", ");
        let hint = "the shifted clock would be negative, or later than 146 years";
        let hint = (errno == Errno::RANGE).then_some(hint);
        Error::new(&plan.name, Step::TimeOffsets)
            .with_errno(errno)
            .with_object(object)
            .with_hint(hint)
    })
}
