//! Resource limits, niceness and the file mode mask.

use ns_sys::Errno;
use ns_sys::child::{self, Mode};

use super::handshake::Report;
use crate::step::Step;

/// A limit of getrlimit(2), by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) resource: u32,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// What the parent worked out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits<'a> {
    /// Keeps a child that dies before exec from dumping the caller's memory.
    pub(crate) no_core: Option<Limit>,
    /// The program's own core limit, if it was changed.
    pub(crate) core: Option<Limit>,
    /// All others that were asked for.
    pub(crate) others: &'a [Limit],
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<Mode>,
}

pub(super) fn no_core(limits: Limits<'_>) -> Result<(), Report> {
    change(limits.no_core.as_slice(), Step::NoCore)
}

/// The program's own, where it was lowered.
pub(super) fn core(limits: Limits<'_>) -> Result<(), Report> {
    change(limits.core.as_slice(), Step::CoreLimit)
}

pub(super) fn set(limits: Limits<'_>) -> Result<(), Report> {
    change(limits.others, Step::Rlimit)?;
    if let Some(nice) = limits.nice {
        child::setpriority(nice).map_err(|errno| Report::new(Step::Nice, errno))?;
    }
    if let Some(mask) = limits.umask {
        child::umask(mask);
    }
    Ok(())
}

fn change(limits: &[Limit], step: Step) -> Result<(), Report> {
    for (index, limit) in (0..).zip(limits) {
        let failed = |errno: Errno| Report { step, errno, index };
        child::prlimit(limit.resource, limit.soft, limit.hard).map_err(failed)?;
    }
    Ok(())
}
