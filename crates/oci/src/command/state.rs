//! `state`: prints the state of a container.

use anyhow::Result;

use super::{Context, print};

pub(super) fn run(context: &Context<'_>, id: &str) -> Result<()> {
    let record = context.store.record(id)?;
    print(&(serde_json::to_string_pretty(&record.view()?)? + "\n"))
}
