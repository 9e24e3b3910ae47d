//! `events`: prints what a container uses.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::{Context, print};
use crate::cgroup::Stats;
use crate::cli;
use crate::state::Status;

/// A line of the output, as runc prints it.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
    data: Stats,
}

/// Prints once, or until the container has stopped.
pub(super) fn run(context: &Context<'_>, args: &cli::Events) -> Result<()> {
    let record = context.store.record(&args.id)?;
    let status = record.status()?;
    ensure!(status != Status::Stopped, "container {} is not running", args.id);
    loop {
        let event = Event { kind: "stats", id: &args.id, data: record.cgroup.stats()? };
        print(&(serde_json::to_string(&event)? + "\n"))?;
        if args.stats {
            return Ok(());
        }
        sleep(Duration::from_secs(args.interval));
        if record.status()? == Status::Stopped {
            return Ok(());
        }
    }
}
