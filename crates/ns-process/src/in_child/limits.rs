//! Resource limits, niceness and the file mode mask.

use ns_sys::Errno;
use ns_sys::child::{self, Mode};

use super::handshake::Report;
use crate::step::Step;

/// A resource limit of setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// `RLIMIT_*`.
    pub(crate) resource: u32,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// The settings, computed by the parent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits<'a> {
    /// Keeps a child that is killed before exec from dumping the caller's memory.
    pub(crate) no_core: Option<Limit>,
    /// The core limit of the program, if `no_core` changed it.
    pub(crate) core: Option<Limit>,
    /// All other requested limits.
    pub(crate) others: &'a [Limit],
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<Mode>,
}

/// Lowers the core limit until exec.
#[inline]
pub(super) fn set_no_core(limit: Option<Limit>) -> Result<(), Report> {
    change(limit.as_slice(), Step::NoCore)
}

/// Sets the core limit of the program, where [`set_no_core`] lowered it.
#[inline]
pub(super) fn set_core(limit: Option<Limit>) -> Result<(), Report> {
    change(limit.as_slice(), Step::CoreLimit)
}

#[inline]
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
