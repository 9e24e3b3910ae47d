//! `list`: prints the containers.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Context, print};
use crate::cli::{self, Format};
use crate::state::View;

pub(super) fn run(context: &Context<'_>, args: &cli::List) -> Result<()> {
    let records = context.store.records()?;
    let views = records.iter().map(crate::state::Record::view).collect::<Result<Vec<_>>>()?;
    print(&match (args.quiet, args.format) {
        (true, _) => views.iter().fold(String::new(), |text, view| text + view.id + "\n"),
        (false, Format::Json) => serde_json::to_string(&views)? + "\n",
        (false, Format::Table) => table(&views),
    })
}

fn table(views: &[View<'_>]) -> String {
    let width = |len: fn(&View<'_>) -> usize, least| views.iter().map(len).fold(least, usize::max);
    let id = width(|view| view.id.len(), 2);
    let bundle = width(|view| view.bundle.as_os_str().len(), 6);
    let mut text =
        format!("{:id$}  {:>8}  {:8}  {:bundle$}  CREATED\n", "ID", "PID", "STATUS", "BUNDLE");
    for view in views {
        let bundle_path = view.bundle.display().to_string();
        let View { id: name, pid, status, created, .. } = view;
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{name:id$}  {pid:>8}  {status:8}  {bundle_path:bundle$}  {created}");
    }
    text
}
