//! Whether the program was executed, and the error if it was not.

use std::ffi::CStr;
use std::format;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::string::ToString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ns_fs::Explanation;
use ns_sys::child::is_readable;
use ns_sys::{Errno, NamespaceFlags, Signal, WaitFlags, WaitStatus, pidfd_get_info, waitid_pidfd};

use super::attempt::Attempt;
use super::child::Child;
use super::exec_name::CommFile;
use super::shared::{EXECUTED, Text};
use super::{refused, too_slow};
use crate::error::Error;
use crate::hint;
use crate::in_child::{PROC, Report, unpack};
use crate::plan::Plan;
use crate::process::{LONG_ENOUGH, has_hung_up, is_readable_within};
use crate::settings::{Init, Keyring};
use crate::step::Step;

/// The sleep between two checks: a process needs some microseconds from leaving its memory to the
/// end of exec or exit.
const POLL_INTERVAL: Duration = Duration::from_micros(50);

impl Attempt {
    /// The outcome of the program alongside an init: its reported error, or how it terminated
    /// before it executed.
    pub(super) fn program_executed(&self) -> Result<(), Error> {
        if let Some(report) = self.shared().program.reported() {
            return Err(failed(self, report));
        }
        match self.shared().program_ended.load(Ordering::Acquire) {
            EXECUTED => Ok(()),
            status => Err(ended_early(&self.plan, Some(WaitStatus::from_raw(status)))),
        }
    }
}

impl Child<'_> {
    /// Checks whether the child, which has left the memory, has executed the program: whether exec
    /// passed the point of no return.
    ///
    /// Exec sets the exit signal of a child. So an ordinary wait finds only a child that has
    /// executed, and a wait with `__WCLONE` only one that never did. Such a child is exiting, so
    /// the wait is short.
    pub(super) fn executed(&self, plan: &Plan, deadline: Option<Instant>) -> Result<(), Error> {
        if let Some(report) = self.handshake().reported() {
            return Err(failed(self.resources.attempt(), report));
        }
        if plan.is_reparented() {
            // The intermediate process that stayed has reported the outcome.
            return Ok(());
        }
        if plan.work.closure().is_some() && !self.target().has_entered() {
            return Err(self.died(plan));
        }
        if plan.work.closure().is_some() && plan.init.is_none() {
            return Ok(());
        }
        if let Some(comm) = self.comm.as_ref().filter(|_| plan.has_exit_signal()) {
            return self.probe_exec(plan, comm, deadline);
        }
        match waitid_pidfd(self.pidfd(), WaitFlags::NOHANG | WaitFlags::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(Errno::CHILD) => {}
            Err(errno) => return Err(Error::new(&plan.name, Step::Wait).with_errno(errno)),
        }
        // A child that never executed is exiting. That does not take long, unless something holds
        // it up.
        let flags = WaitFlags::CLONE | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        match waitid_pidfd(self.pidfd(), flags) {
            Ok(Some(ended)) => Err(ended_early(plan, Some(ended))),
            Ok(None) => Err(self.died(plan)),
            Err(Errno::CHILD) => self.executed_if_attempted(plan),
            Err(errno) => Err(Error::new(&plan.name, Step::Wait).with_errno(errno)),
        }
    }

    /// As [`executed`](Self::executed), for a child with an exit signal from libc's fork, for which
    /// `__WCLONE` shows nothing. Its name shows whether it has executed. The file of the name was
    /// opened while the child waited, because the process ID may be reused later.
    fn probe_exec(
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

    /// The error of a child that terminated while the caller waited for it.
    pub(super) fn ended(&self, plan: &Plan) -> Option<Error> {
        let reported =
            self.handshake().reported().map(|report| failed(self.resources.attempt(), report));
        reported.or_else(|| self.killed(plan))
    }

    /// The error of a child that is exiting or dead.
    pub(super) fn died(&self, plan: &Plan) -> Error {
        is_readable_within(self.pidfd(), LONG_ENOUGH);
        let status = || {
            has_hung_up(self.pidfd(), LONG_ENOUGH);
            pidfd_get_info(self.pidfd()).ok().and_then(|info| info.exit_status)
        };
        self.killed(plan).unwrap_or_else(|| ended_early(plan, status()))
    }

    /// The outcome of a process that is not, or no longer, a child of the caller. If `SIGCHLD` is
    /// ignored, the kernel reaps children that have executed, and no others. A waiter of this
    /// program with `__WALL` reaps both kinds. Then a child that was killed during its execve may
    /// be taken for a program that was killed at once, and the start succeeds.
    pub(super) fn executed_if_attempted(&self, plan: &Plan) -> Result<(), Error> {
        if !self.handshake().is_executing() {
            return Err(self.died(plan));
        }
        // With `CLONE_PARENT`, the child is a zombie until its parent reaps it.
        let is_dead = is_readable(self.pidfd()) == Ok(true);
        if is_dead && never_executed(self.pid()) && !has_hung_up(self.pidfd(), Duration::ZERO) {
            return Err(ended_early(plan, None));
        }
        Ok(())
    }

    /// The error of a child that was killed while it waited to be released.
    pub(super) fn killed(&self, plan: &Plan) -> Option<Error> {
        let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        let ended = waitid_pidfd(self.pidfd(), flags).ok().flatten()?;
        Some(ended_early(plan, Some(ended)))
    }
}

/// Whether the dead process `pid` never executed a program; `false` once it is reaped. The file
/// must not be read while the process lives, because that may block: see `exec_name`.
fn never_executed(pid: u32) -> bool {
    /// `PF_FORKNOEXEC` of include/linux/sched.h.
    const NEVER_EXECUTED: u32 = 0x40;
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The fields after the name are state, ppid, pgrp, session, tty, tpgid and flags.
    let mut fields = stat.rsplit(')').next().unwrap_or("").split_ascii_whitespace();
    let is_dead = matches!(fields.next(), Some("Z" | "X"));
    let flags: Option<u32> = fields.nth(5).and_then(|flags| flags.parse().ok());
    is_dead && flags.is_some_and(|flags| flags & NEVER_EXECUTED != 0)
}

pub(super) fn failed(attempt: &Attempt, report: Report) -> Error {
    let plan = &attempt.plan;
    let error = Error::new(&plan.name, report.step).with_errno(report.errno);
    match report.step {
        Step::Exec => return exec_failed(error, attempt, report),
        Step::Clone => return refused(plan, report.errno),
        _ => {}
    }
    let restricted = hint::in_user_namespace(report.step, report.errno);
    let restricted = restricted.filter(|_| plan.namespaces().contains(NamespaceFlags::USER));
    if let Some(explanation) = unpack(report).and_then(|error| plan.root.explain(&error)) {
        return mount_failed(error, restricted, &explanation);
    }
    let hint = restricted.or_else(|| hint::for_step(report.step, report.errno));
    let error = error.with_hint(hint);
    match object(attempt, report) {
        Some(object) => error.with_object(object),
        None => error,
    }
}

fn mount_failed(error: Error, restricted: Option<String>, explanation: &Explanation) -> Error {
    let hint = restricted.or_else(|| explanation.hint.map(str::to_owned));
    let hint = match &explanation.target {
        Some(target) => {
            let role = format!("the {} of the mount on {}", explanation.role, target.display());
            Some(hint.map_or_else(|| role.clone(), |hint| format!("{role}: {hint}")))
        }
        None => hint,
    };
    let error = error.with_hint(hint);
    match &explanation.path {
        Some(path) => error.with_object(path.display().to_string()),
        None => error,
    }
}

/// The object of the failed step, if it has one. [`exec_failed`] adds the object of `Step::Exec`.
fn object(attempt: &Attempt, report: Report) -> Option<String> {
    let plan = &attempt.plan;
    let shown = |path: &PathBuf| path.display().to_string();
    match report.step {
        Step::Propagation => Some("/".to_owned()),
        Step::MountTarget | Step::Mount if report.index == PROC => Some("/proc".to_owned()),
        Step::OpenRoot | Step::ReadOnlyRoot | Step::PivotRoot | Step::Chroot => {
            // A relative path begins at the caller's working directory, which the error names.
            let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or(path.clone());
            plan.root.path.as_ref().map(absolute).as_ref().map(shown)
        }
        Step::Workdir => plan.root.workdir.as_ref().map(shown),
        Step::Console => Some("/dev/pts".to_owned()),
        Step::MountConsole => Some("/dev/console".to_owned()),
        Step::PlaceFd => Some(report.index.to_string()),
        Step::OomScoreAdj => plan.limits.oom_object(),
        Step::CgroupTasks => plan.cgroup_tasks.get(report.index as usize).and_then(path_of),
        Step::Scheduler => plan.scheduling.policy(),
        Step::Affinity => plan.scheduling.cpus(),
        Step::Sysctl => plan.sysctls.name(report.index),
        Step::Rlimit => plan.limits.resource(report.index),
        Step::SessionKeyring => plan.keyring.as_ref().and_then(Keyring::shown_name),
        Step::ExecLabel => plan.privileges.label_text(),
        Step::Join => Some(plan.join.object(report.index)),
        Step::Init => {
            let path = plan.init.as_ref().and_then(Init::get_path);
            let name = path.map(|path| path.display().to_string());
            Some(name.unwrap_or_else(|| "the built-in init".to_owned()))
        }
        // The message of the hook's error.
        step if step.is_hook() => attempt.message().and_then(Text::read),
        _ => None,
    }
}

/// The path of an open file, if proc shows it.
fn path_of(file: &Arc<OwnedFd>) -> Option<String> {
    let link = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    link.ok().map(|path| path.display().to_string())
}

fn exec_failed(error: Error, attempt: &Attempt, report: Report) -> Error {
    let Some(program) = attempt.plan.work.program() else { return error };
    let candidates: Vec<&CStr> = program.candidates().collect();
    let name = program.name().to_string_lossy();
    if let Some(file) = &program.file {
        let hint = hint::for_exec_fd(file.as_fd(), report.errno);
        return error.with_object(name).with_hint(hint);
    }
    let tried = candidates.get(report.index as usize).map(|path| path.to_string_lossy());
    let tried = tried.unwrap_or_else(|| name.clone());
    let place = place(attempt);
    let hint = if tried == name {
        hint::for_exec(place, &tried, report.errno)
    } else {
        Some(hint::for_exec_search(place, &candidates, &tried, report.errno))
    };
    error.with_object(name).with_hint(hint)
}

/// Where the child looks up its program.
fn place(attempt: &Attempt) -> hint::Place<'_> {
    let root = &attempt.plan.root;
    let has_new_root = root.is_mount || root.path.is_some();
    let is_joined = attempt.joined.kinds().contains(NamespaceFlags::MNT);
    let is_other = has_new_root || is_joined;
    let workdir = root.workdir.as_deref().or(is_other.then_some(Path::new("/")));
    hint::Place {
        root: root.path.as_deref(),
        words: match (has_new_root, is_joined) {
            (true, _) => "under the new root",
            (false, true) => "in the joined mount namespace",
            (false, false) => "",
        },
        // The working directory of the target is unknown.
        workdir: workdir.filter(|_| !attempt.plan.join.from_target.root),
        is_visible: !root.is_mount && !is_joined,
    }
}

pub(super) fn ended_early(plan: &Plan, ended: Option<WaitStatus>) -> Error {
    let how = match ended.and_then(WaitStatus::signal) {
        Some(signal) => {
            format!("the child was ended by signal {} before it executed", signal.as_raw())
        }
        None => "the child ended before it executed".to_owned(),
    };
    let is_killed = ended.and_then(WaitStatus::signal) == Some(Signal::KILL);
    let hint = (is_killed && plan.cgroup.is_some()).then_some(hint::KILLED_IN_CGROUP);
    Error::new(&plan.name, Step::Exec).with_object(how).with_hint(hint)
}
