//! `pause` and `resume`.

use anyhow::{Result, ensure};

use super::Context;
use crate::state::Status;

/// Suspends all processes of a container.
pub(super) fn pause(context: &Context<'_>, id: &str) -> Result<()> {
    let record = context.store.record(id)?;
    let status = record.status()?;
    ensure!(
        matches!(status, Status::Running | Status::Created),
        "cannot pause container {id}: it is {status}"
    );
    record.cgroup.freeze()
}

/// Continues them.
pub(super) fn resume(context: &Context<'_>, id: &str) -> Result<()> {
    let record = context.store.record(id)?;
    let status = record.status()?;
    ensure!(status == Status::Paused, "cannot resume container {id}: it is {status}");
    record.cgroup.thaw()
}
