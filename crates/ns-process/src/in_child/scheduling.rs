//! CPU affinity, scheduling policy, I/O priority and personality.

use ns_sys::child::{self, SchedAttr};

use super::handshake::Report;
use crate::step::Step;

/// The settings, computed by the parent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scheduling<'a> {
    pub(crate) attr: Option<SchedAttr>,
    pub(crate) io_priority: Option<u32>,
    /// A mask of CPUs.
    pub(crate) affinity: Option<&'a [usize]>,
    pub(crate) personality: Option<u32>,
}

/// Sets the affinity first: afterwards a deadline could forbid it.
#[inline]
pub(super) fn set(config: Scheduling<'_>) -> Result<(), Report> {
    let failed = |step| move |errno| Report::new(step, errno);
    if let Some(mask) = config.affinity {
        child::sched_setaffinity(mask).map_err(failed(Step::Affinity))?;
    }
    if let Some(attr) = &config.attr {
        child::sched_setattr(attr).map_err(failed(Step::Scheduler))?;
    }
    if let Some(priority) = config.io_priority {
        child::ioprio_set(priority).map_err(failed(Step::IoPriority))?;
    }
    if let Some(persona) = config.personality {
        child::personality(persona).map_err(failed(Step::Personality))?;
    }
    Ok(())
}
