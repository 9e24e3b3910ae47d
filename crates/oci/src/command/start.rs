//! `start`: executes the program of a created container.

use anyhow::{Context as _, Result, ensure};
use ns_process::release_at;

use super::Context;
use crate::hooks::{self, Point};
use crate::state::{Entry, Record, Status};

pub(super) fn run(context: &Context<'_>, id: &str) -> Result<()> {
    let entry = context.store.entry(id)?;
    let mut record = entry.record()?.with_context(|| format!("container {id} does not exist"))?;
    start(context, &entry, &mut record, |entry| Ok(release_at(entry.gate())?))
}

/// Runs the hooks around `release`, which executes the program.
pub(super) fn start(
    context: &Context<'_>,
    entry: &Entry,
    record: &mut Record,
    release: impl FnOnce(&Entry) -> Result<()>,
) -> Result<()> {
    let status = record.status()?;
    ensure!(
        status == Status::Created,
        "cannot start container {}: it is {status}, not created",
        record.id
    );
    let spec = context.store.bundle(record)?.spec;
    let init = record.init.context("no process")?;
    hooks::run_inside(&spec, Point::StartContainer, record, Status::Created, init.pid)?;
    release(entry)?;
    record.is_started = true;
    entry.store(record)?;
    for error in hooks::run_all(&spec, Point::Poststart, record, Status::Running) {
        context.log.warning(&format!("{error:#}"));
    }
    Ok(())
}
