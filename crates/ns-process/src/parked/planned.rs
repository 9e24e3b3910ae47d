//! What a release executes, and the errors of a release.

use std::borrow::Cow;
use std::ffi::CStr;
use std::format;
use std::os::fd::{AsFd, RawFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ns_sys::{Errno, NamespaceFlags, WaitStatus};

use super::filter::ForbiddenCalls;
use super::listener::Listener;
use super::report::FailedStep;
use crate::error::Error;
use crate::hint;
use crate::plan::Plan;
use crate::settings::{Label, Program};
use crate::step::Step;

/// The part of a plan that is left to the release.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: Arc<str>,
    pub(super) program: Program,
    pub(super) label: Option<Label>,
    /// The number of the gate in the parked process.
    pub(super) gate: RawFd,
    /// The number of the file of the program, if it is given by a descriptor.
    pub(super) file: Option<RawFd>,
    /// The listening socket that releases the process, if there is one.
    pub(super) listener: Option<Listener>,
    /// The calls of a payload that the filter forbids.
    pub(super) forbidden: ForbiddenCalls,
    /// The directory at which proc is mounted.
    pub(super) proc: Cow<'static, Path>,
    /// The time limit of a release.
    pub(super) limit: Option<Duration>,
    root: Option<PathBuf>,
    workdir: Option<PathBuf>,
    /// Words for a root that is not the caller's, and whether the caller can see its files.
    words: &'static str,
    is_visible: bool,
}

impl Planned {
    /// The part that is left once the gate has the number `gate`.
    pub(super) fn new(plan: &Plan, program: Program, label: Option<Label>) -> Self {
        let root = &plan.root;
        let has_new_root = root.is_mount || root.path.is_some();
        let joins_mounts = plan.join.kinds().contains(NamespaceFlags::MNT);
        let is_other = has_new_root || joins_mounts;
        let workdir = root.workdir.clone().or_else(|| is_other.then(|| PathBuf::from("/")));
        Self {
            name: Arc::clone(&plan.name),
            program,
            label,
            gate: -1,
            file: None,
            listener: None,
            forbidden: ForbiddenCalls::default(),
            proc: plan.maps.proc.clone(),
            limit: plan.lifetime.start_timeout,
            root: root.path.clone(),
            workdir: workdir.filter(|_| !plan.join.from_target.root),
            words: match (has_new_root, joins_mounts) {
                (true, _) => "under the new root",
                (false, true) => "in the joined mount namespace",
                (false, false) => "",
            },
            is_visible: !root.is_mount && !joins_mounts,
        }
    }

    /// The end of the time limit of a release that begins now.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.limit.and_then(|limit| Instant::now().checked_add(limit))
    }

    pub(super) fn error(&self, step: Step) -> Error {
        Error::new(&self.name, step)
    }

    /// The error of a step that the gate reported while it executed `program`.
    pub(super) fn step_failed(&self, program: &Program, failed: FailedStep) -> Error {
        let FailedStep { step, errno, object, .. } = failed;
        let error = self.error(step).with_errno(errno);
        if step == Step::Exec {
            return self.exec_failed(error, program, errno, &object);
        }
        let hint = match (step, errno) {
            (Step::PlaceFd, Errno::INVAL | Errno::MFILE | Errno::BADF) => {
                let hint = "RLIMIT_NOFILE of the program is too small for the files of the payload";
                Some(hint.to_owned())
            }
            _ => hint::for_step(step, errno),
        };
        let error = error.with_hint(hint);
        if object.is_empty() { error } else { error.with_object(object) }
    }

    fn exec_failed(&self, error: Error, program: &Program, errno: Errno, tried: &str) -> Error {
        let name = program.name().to_string_lossy();
        let hint = if let Some(file) = &program.file {
            hint::for_exec_fd(file.as_fd(), errno)
        } else if tried == name {
            hint::for_exec(self.place(), tried, errno)
        } else {
            let candidates: Vec<&CStr> = program.candidates().collect();
            Some(hint::for_exec_search(self.place(), &candidates, tried, errno))
        };
        error.with_object(name).with_hint(hint)
    }

    /// Where the program is looked up.
    fn place(&self) -> hint::Place<'_> {
        hint::Place {
            root: self.root.as_deref(),
            words: self.words,
            workdir: self.workdir.as_deref(),
            is_visible: self.is_visible,
        }
    }

    /// The error of a process that ended before it executed the program.
    pub(super) fn ended(&self, status: Option<WaitStatus>) -> Error {
        let how = match status.and_then(WaitStatus::signal) {
            Some(signal) => {
                let signal = signal.as_raw();
                format!("the parked process was ended by signal {signal} before it executed")
            }
            None => "the parked process ended before it executed".to_owned(),
        };
        self.error(Step::Exec).with_object(how)
    }

    pub(super) fn too_slow(&self) -> Error {
        let error = self.error(Step::StartTimeout).with_errno(Errno::TIMEDOUT);
        error.with_object("the release").with_hint(Some(
            "the process is stopped, or its cgroup is frozen, or the file system of the program is slow",
        ))
    }
}
