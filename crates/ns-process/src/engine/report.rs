//! Whether the program was executed, and what was in the way.

use std::ffi::CStr;
use std::format;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, WaitFlags, WaitStatus, waitid_pidfd};

use super::child::Child;
use crate::error::Error;
use crate::in_child::Report;
use crate::plan::Plan;
use crate::step::Step;

impl Child<'_> {
    /// Asks the kernel: exec gives a child its exit signal, so a wait for children without one finds
    /// only a child that never executed anything.
    pub(super) fn executed(&self, plan: &Plan) -> Result<(), Error> {
        let flags = WaitFlags::CLONE | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        if let Some(report) = self.words().reported() {
            return Err(failed(plan, report));
        }
        match waitid_pidfd(self.pidfd(), flags) {
            Err(Errno::CHILD) => Ok(()),
            Ok(ended) => Err(killed(plan, ended)),
            Err(errno) => Err(Error::new(&plan.name, Step::Wait).with_errno(errno)),
        }
    }
}

fn failed(plan: &Plan, report: Report) -> Error {
    let error = Error::new(&plan.name, report.step).with_errno(report.errno);
    match report.step {
        Step::Exec => exec_failed(error, plan, report),
        Step::Propagation => error.with_object("/"),
        Step::MountProc => error.with_object("/proc"),
        _ => error,
    }
}

fn exec_failed(error: Error, plan: &Plan, report: Report) -> Error {
    let error = error.with_hint(exec_hint(report.errno));
    let candidates: Vec<&CStr> = plan.program.candidates().collect();
    let name = plan.program.name().to_string_lossy();
    if let [only] = candidates[..] {
        return error.with_object(format!("{:?}", only.to_string_lossy()));
    }
    if report.errno == Errno::NOENT {
        return error.with_object(format!("{name:?}")).with_hint(Some("no such program in PATH"));
    }
    let tried = candidates.get(report.index as usize).map(|path| path.to_string_lossy());
    error.with_object(format!("{:?}", tried.unwrap_or(name)))
}

fn exec_hint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ACCESS => Some("not executable, or a folder on the way may not be searched"),
        Errno::NOEXEC => Some("not a program, and a script needs a first line with #!"),
        Errno::TXTBSY => Some("somebody has it open for writing"),
        _ => None,
    }
}

fn killed(plan: &Plan, ended: Option<WaitStatus>) -> Error {
    let how = match ended.and_then(WaitStatus::signal) {
        Some(signal) => format!("the child was ended by signal {signal} before it executed"),
        None => "the child ended before it executed".to_owned(),
    };
    Error::new(&plan.name, Step::Exec).with_object(how)
}
