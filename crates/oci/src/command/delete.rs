//! `delete`: removes what is left of a container.

use anyhow::{Result, bail};

use super::Context;
use crate::hooks::{self, Point};
use crate::state::{Entry, Record, Status};

pub(super) fn run(context: &Context<'_>, id: &str, force: bool) -> Result<()> {
    let Some(entry) = context.store.open(id)? else {
        if force {
            return Ok(());
        }
        bail!("container {id} does not exist");
    };
    // Without a record, nothing but the directory was made.
    let Some(record) = entry.record()? else { return entry.remove() };
    let status = record.status()?;
    // A parked process runs nothing of the container: as in runc it needs no --force.
    if !force && !matches!(status, Status::Stopped | Status::Created | Status::Creating) {
        bail!("cannot delete container {id}: it is {status}; use --force to kill it");
    }
    delete(context, &entry, &record)
}

/// Kills what runs, removes the cgroup and the state, and runs the hooks.
pub(super) fn delete(context: &Context<'_>, entry: &Entry, record: &Record) -> Result<()> {
    let bundle = context.store.bundle(record);
    end(record)?;
    entry.remove()?;
    // The configuration is stored before anything is made; without it there are no hooks.
    let Ok(bundle) = bundle else { return Ok(()) };
    for error in hooks::run_all(&bundle.spec, Point::Poststop, record, Status::Stopped) {
        context.log.warning(&format!("{error:#}"));
    }
    Ok(())
}

/// Kills all processes of a container, and removes its cgroup.
pub(super) fn end(record: &Record) -> Result<()> {
    if let Some(init) = record.init {
        let is_frozen = record.cgroup.is_frozen().unwrap_or(false);
        if is_frozen {
            record.cgroup.thaw()?;
        }
        init.kill()?;
    }
    record.cgroup.kill()?;
    record.cgroup.remove()
}
