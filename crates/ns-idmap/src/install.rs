//! Plan and act in one call.

use std::os::fd::AsFd;

use thiserror::Error;

use crate::{
    Gid, Helper, HelperError, IdMap, ProcError, Reason, Setgroups, Uid, WritePlan, Writer,
};

/// Why a map could not be installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// There is no way; nothing was tried.
    #[error(transparent)]
    Impossible(#[from] Reason),
    /// The direct way failed; no helper was run.
    #[error(transparent)]
    Proc(#[from] ProcError),
    /// The helper failed; no direct write was tried.
    #[error(transparent)]
    Helper(#[from] HelperError),
}

impl IdMap<Uid> {
    /// Writes the map in the one way that `writer` has, and says which it was.
    ///
    /// `pid` and `proc_dir` are the same process, by its number in the caller's pid namespace and
    /// by its open `/proc/PID`.
    ///
    /// # Errors
    /// That there is no way, or how the one way failed.
    pub fn install(
        &self,
        proc_dir: impl AsFd,
        pid: u32,
        writer: &Writer,
        helper: &Helper,
    ) -> Result<WritePlan, InstallError> {
        let plan = self.plan(writer);
        match &plan {
            WritePlan::Direct => self.write(proc_dir)?,
            WritePlan::Helper => self.write_by(proc_dir, pid, helper)?,
            WritePlan::Impossible(reason) => return Err(reason.clone().into()),
        }
        Ok(plan)
    }
}

impl IdMap<Gid> {
    /// As [`UidMap::install`](crate::UidMap::install), with `setgroups` before it.
    ///
    /// # Errors
    /// That there is no way, or how the one way failed.
    pub fn install(
        &self,
        proc_dir: impl AsFd,
        pid: u32,
        writer: &Writer,
        helper: &Helper,
        setgroups: Setgroups,
    ) -> Result<WritePlan, InstallError> {
        let plan = self.plan(writer, setgroups);
        match &plan {
            WritePlan::Direct => self.write(proc_dir, setgroups)?,
            WritePlan::Helper => {
                if setgroups == Setgroups::Deny {
                    Setgroups::deny(&proc_dir)?;
                }
                self.write_by(&proc_dir, pid, helper)?;
            }
            WritePlan::Impossible(reason) => return Err(reason.clone().into()),
        }
        Ok(plan)
    }
}
