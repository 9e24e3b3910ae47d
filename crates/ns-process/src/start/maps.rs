//! The child's ID maps, written by the caller or by a helper.

use std::error::Error as StdError;
use std::format;
use std::io;
use std::prelude::rust_2024::*;
use std::time::Instant;

use ns_idmap::{Helper, HelperError, IdKind, IdMap, ProcError, Setgroups};
use ns_sys::{Errno, pidfd_open};

use crate::error::Error;
use crate::hint;
use crate::plan::Plan;
use crate::proc_dir::ProcDir;
use crate::process::{Orphan, reap_later};
use crate::step::Step;

/// Writes the ID maps of the process whose proc directory is `dir`. Helpers have time until the
/// deadline.
pub(super) fn write(plan: &Plan, dir: &ProcDir, deadline: Option<Instant>) -> Result<(), Error> {
    if let Some(write) = &plan.maps.uid {
        let failed = |error| failed(plan, Step::UidMap, &write.map, error);
        match &write.helper {
            None => write.map.write(dir).map_err(|error| failed(error.into())),
            Some(helper) => write_by(&write.map, dir, helper, deadline).map_err(failed),
        }?;
    }
    let Some(write) = &plan.maps.gid else { return Ok(()) };
    let failed = |error| failed(plan, Step::GidMap, &write.map, error);
    let setgroups = plan.maps.setgroups;
    match &write.helper {
        None => write.map.write(dir, setgroups).map_err(|error| failed(error.into())),
        Some(helper) => {
            if setgroups == Setgroups::Deny {
                Setgroups::deny(dir).map_err(|error| failed(error.into()))?;
            }
            write_by(&write.map, dir, helper, deadline).map_err(failed)
        }
    }
}

/// The reason why a map was not written.
enum Unwritten {
    Proc(ProcError),
    Helper(HelperError),
}

impl From<ProcError> for Unwritten {
    fn from(error: ProcError) -> Self {
        Self::Proc(error)
    }
}

fn write_by<K: IdKind>(
    map: &IdMap<K>,
    dir: &ProcDir,
    helper: &Helper<K>,
    deadline: Option<Instant>,
) -> Result<(), Unwritten> {
    let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
    let helper = left.map_or_else(|| helper.clone(), |left| helper.clone().timeout(left));
    map.write_by(dir, &helper).map_err(Unwritten::Helper)
}

fn failed<K: IdKind>(plan: &Plan, step: Step, map: &IdMap<K>, error: Unwritten) -> Error {
    let (is_late, error): (bool, Box<dyn StdError>) = match error {
        Unwritten::Proc(error) => (false, error.into()),
        Unwritten::Helper(error) => (timed_out(&error), error.into()),
    };
    let object = format!("{}: {error}", map.to_string().trim_end().replace('\n', ","));
    if is_late {
        let late = Error::new(&plan.name, Step::StartTimeout).with_errno(Errno::TIMEDOUT);
        return late.with_object(object);
    }
    let refused = Error::new(&plan.name, step).with_object(object);
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.and_then(Errno::from_io_error) {
        Some(errno) => refused.with_errno(errno).with_hint(hint::in_user_namespace(step, errno)),
        None => refused,
    }
}

/// Whether a helper timed out. If it still runs, it is handed over to be reaped once it has exited.
fn timed_out(error: &HelperError) -> bool {
    let HelperError::TimedOut { helper, .. } = error else { return false };
    // The helper has not been reaped, so its process ID has not been reused.
    if let Some(pidfd) = helper.as_ref().and_then(|helper| pidfd_open(helper.id()).ok()) {
        reap_later(Orphan::new(pidfd, None));
    }
    true
}
