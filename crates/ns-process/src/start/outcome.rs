//! Whether the program was executed, and what was in the way.

use std::ffi::CStr;
use std::format;
use std::fs;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;
use ns_sys::{Errno, NamespaceFlags, WaitFlags, WaitStatus, pidfd_get_info, waitid_pidfd};

use super::child::Child;
use super::refused;
use super::shared::{EXECUTED, SharedState};
use crate::error::Error;
use crate::hint;
use crate::in_child::Report;
use crate::plan::Plan;
use crate::process::{LONG_ENOUGH, has_hung_up, is_readable_within};
use crate::step::Step;

impl SharedState {
    /// What the process beside an init reported, or how it ended before it executed.
    pub(super) fn executed(&self, plan: &Plan) -> Result<(), Error> {
        if let Some(report) = self.program.reported() {
            return Err(failed(plan, report));
        }
        match self.program_ended.load(Ordering::Acquire) {
            EXECUTED => Ok(()),
            status => Err(ended_early(plan, Some(WaitStatus::from_raw(status)))),
        }
    }
}

impl Child<'_> {
    /// Whether the child, which has left the memory, executed the program; that is, whether exec
    /// passed the point from which it does not return.
    ///
    /// The kernel knows: exec gives a child its exit signal, so an ordinary wait finds only one that got
    /// there, and a wait for children without a signal only one that never did. That one is dying, and
    /// the wait is short.
    pub(super) fn executed(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        if let Some(report) = self.handshake().reported() {
            return Err(failed(plan, report));
        }
        if plan.is_reparented() {
            // The process that stayed for it knows.
            return Ok(());
        }
        if plan.work.closure().is_some() && !self.target().has_entered() {
            return Err(self.died(plan));
        }
        if plan.work.closure().is_some() && plan.init.is_none() {
            return Ok(());
        }
        if let Some(named) = self.named.as_ref().filter(|_| plan.has_exit_signal()) {
            return self.probe_exec(plan, named, deadline);
        }
        match waitid_pidfd(self.pidfd(), WaitFlags::NOHANG | WaitFlags::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(Errno::CHILD) => {}
            Err(errno) => return Err(Error::new(&plan.name, Step::Wait).with_errno(errno)),
        }
        // One that never executed is dying, and does not take long, unless something holds it up.
        let flags = WaitFlags::CLONE | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        match waitid_pidfd(self.pidfd(), flags) {
            Ok(Some(ended)) => Err(ended_early(plan, Some(ended))),
            Ok(None) => Err(self.died(plan)),
            Err(Errno::CHILD) => self.executed_if_it_tried(plan),
            Err(errno) => Err(Error::new(&plan.name, Step::Wait).with_errno(errno)),
        }
    }

    /// The error of a child that ended while it was waited for.
    pub(super) fn ended(&self, plan: &Plan) -> Option<Error> {
        let reported = self.handshake().reported().map(|report| failed(plan, report));
        reported.or_else(|| self.killed(plan))
    }

    /// The error of a child that is dying, or dead.
    pub(super) fn died(&self, plan: &Plan) -> Error {
        is_readable_within(self.pidfd(), LONG_ENOUGH);
        let told = || {
            has_hung_up(self.pidfd(), LONG_ENOUGH);
            pidfd_get_info(self.pidfd()).ok().and_then(|info| info.exit_status)
        };
        self.killed(plan).unwrap_or_else(|| ended_early(plan, told()))
    }

    /// The child is no child of the caller's any more, or never was one. With `SIGCHLD` ignored the kernel reaps
    /// what has executed, and nothing else. A waiter of this program with `__WALL` reaps either, and may take
    /// a child that was killed in its execve for a program that was killed at once: so do its start and handle.
    pub(super) fn executed_if_it_tried(&self, plan: &Plan) -> Result<(), Error> {
        if !self.handshake().is_executing() {
            return Err(self.died(plan));
        }
        // With `CLONE_PARENT` it is there until another process reaps it.
        let is_dead = is_readable(self.pidfd()) == Ok(true);
        if is_dead && never_executed(self.pid()) && !has_hung_up(self.pidfd(), Duration::ZERO) {
            return Err(ended_early(plan, None));
        }
        Ok(())
    }

    /// The error of a child that was killed while it waited.
    pub(super) fn killed(&self, plan: &Plan) -> Option<Error> {
        let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        let ended = waitid_pidfd(self.pidfd(), flags).ok().flatten()?;
        Some(ended_early(plan, Some(ended)))
    }
}

/// Whether the dead process `pid` has executed nothing; not once it is reaped. Of one that is not dead its file
/// may not be read: see `exec_name`.
fn never_executed(pid: u32) -> bool {
    /// `PF_FORKNOEXEC` of include/linux/sched.h.
    const NEVER_EXECUTED: u32 = 0x40;
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // Behind the name: state, ppid, pgrp, session, tty, tpgid, and then the flags.
    let mut fields = stat.rsplit(')').next().unwrap_or("").split_ascii_whitespace();
    let is_dead = matches!(fields.next(), Some("Z" | "X"));
    let flags: Option<u32> = fields.nth(5).and_then(|flags| flags.parse().ok());
    is_dead && flags.is_some_and(|flags| flags & NEVER_EXECUTED != 0)
}

pub(super) fn failed(plan: &Plan, report: Report) -> Error {
    let error = Error::new(&plan.name, report.step).with_errno(report.errno);
    match report.step {
        Step::Exec => return exec_failed(error, plan, report),
        Step::Clone => return refused(plan, report.errno),
        _ => {}
    }
    let restricted = hint::in_user_namespace(report.step, report.errno);
    let restricted = restricted.filter(|_| plan.namespaces().contains(NamespaceFlags::USER));
    let why = restricted.or_else(|| hint::for_step(report.step, report.errno));
    let error = error.with_hint(why);
    match plan.object(report) {
        Some(object) => error.with_object(object),
        None => error,
    }
}

fn exec_failed(error: Error, plan: &Plan, report: Report) -> Error {
    let Some(program) = plan.work.program() else { return error };
    let candidates: Vec<&CStr> = program.candidates().collect();
    let name = program.name().to_string_lossy();
    let tried = candidates.get(report.index as usize).map(|path| path.to_string_lossy());
    let tried = tried.unwrap_or_else(|| name.clone());
    let root = plan.root.path().map(PathBuf::as_path);
    let hint = if tried == name {
        hint::for_exec(root, &tried, report.errno)
    } else {
        Some(hint::for_exec_search(root, &candidates, &tried, report.errno))
    };
    error.with_object(name).with_hint(hint)
}

pub(super) fn ended_early(plan: &Plan, ended: Option<WaitStatus>) -> Error {
    let how = match ended.and_then(WaitStatus::signal) {
        Some(signal) => format!("the child was ended by signal {signal} before it executed"),
        None => "the child ended before it executed".to_owned(),
    };
    Error::new(&plan.name, Step::Exec).with_object(how)
}
