//! `space list`: the namespaces of this machine and their processes.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use anstyle::Style;
use ns_process::{NamespaceInfo, Namespaces, namespaces};
use rustix::process::geteuid;
use serde::Serialize;

use crate::cli::Filter;
use crate::failure::errno;
use crate::{exit, print, proc};

const HEADER: [&str; 6] = ["KIND", "INODE", "PROCESSES", "PID", "UID", "COMMAND"];

/// A namespace, as `--json` prints it.
#[derive(Debug, Serialize)]
struct JsonNamespace<'a> {
    kind: &'a str,
    inode: u64,
    /// The processes in the namespace, in ascending order.
    pids: &'a [u32],
    /// The user of the first process.
    uid: Option<u32>,
    /// The command of the first process.
    command: Option<&'a str>,
    /// The files to which the namespace is bound.
    files: Vec<String>,
    /// The inode number of the owning user namespace.
    owner: Option<u64>,
    owner_uid: Option<u32>,
    parent: Option<u64>,
}

pub(crate) fn run(filter: &Filter) -> ExitCode {
    match selected(filter) {
        Ok(found) => {
            warn_about_unreadable(&found, filter);
            if filter.pids {
                print::text(&pids(&found))
            } else if filter.output.json {
                print::json(&found.list.iter().map(JsonNamespace::new).collect::<Vec<_>>())
            } else if io::stdout().is_terminal() {
                print::text(&table(&found))
            } else {
                print::text(&found.list.iter().map(line).collect::<String>())
            }
        }
        Err(message) => {
            print::error(&format!("list: {message}"));
            ExitCode::from(exit::FAILED)
        }
    }
}

/// Returns the requested namespaces, sorted by kind and inode number. An error is a message.
fn selected(filter: &Filter) -> Result<Namespaces, String> {
    let mut found = namespaces().map_err(|error| match error.errno() {
        Some(errno) => format!("/proc: {}", errno::text(&errno.into())),
        None => error.to_string(),
    })?;
    proc::check()?;
    if let Some(pid) = filter.pid {
        if !found.list.iter().any(|namespace| namespace.members.contains(&pid)) {
            let reason =
                if exists(pid) { "its namespaces cannot be read" } else { "no such process" };
            return Err(format!("--pid {pid}: {reason}"));
        }
        found.list.retain(|namespace| namespace.members.contains(&pid));
    }
    if !filter.kinds.is_empty() {
        found.list.retain(|namespace| filter.kinds.contains(&namespace.kind));
    }
    found.list.sort_by_key(|namespace| (namespace.kind.name(), namespace.id.ino));
    Ok(found)
}

/// Warns on stderr if the list is incomplete, in every output format.
///
/// That another process is not listed does not concern `--pid`, and a process that has exited belongs to no list.
fn warn_about_unreadable(found: &Namespaces, filter: &Filter) {
    let mut unreadable = found.unreadable.iter().filter(|pid| exists(**pid)).peekable();
    if filter.pid.is_some() || unreadable.peek().is_none() {
        return;
    }
    let (processes, whose) = match unreadable.count() {
        1 => ("1 process is".to_owned(), "its"),
        count => (format!("{count} processes are"), "their"),
    };
    let advice = if geteuid().is_root() { "" } else { ": run as root" };
    print::error(&format!(
        "{processes} not listed, because the caller may not read {whose} namespaces{advice}"
    ));
}

fn exists(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

impl<'a> JsonNamespace<'a> {
    fn new(found: &'a NamespaceInfo) -> Self {
        let first = found.first.as_ref();
        Self {
            kind: found.kind.name(),
            inode: found.id.ino,
            pids: &found.members,
            uid: first.and_then(|member| member.uid),
            command: first.map(|member| member.command.as_str()),
            files: found.files.iter().map(|file| file.path.display().to_string()).collect(),
            owner: found.owner.ok().flatten().map(|owner| owner.ino),
            owner_uid: found.owner_uid.ok().flatten(),
            parent: found.parent.ok().flatten().map(|parent| parent.ino),
        }
    }
}

/// Formats the columns. For a namespace without processes, the last column is the first file to which it is bound.
fn cells(found: &NamespaceInfo) -> [String; 6] {
    let namespace = JsonNamespace::new(found);
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let file = namespace.files.first().map(|file| format!("at {}", print::one_line(file)));
    let command = namespace.command.map(print::one_line);
    [
        namespace.kind.to_owned(),
        namespace.inode.to_string(),
        namespace.pids.len().to_string(),
        number(namespace.pids.first().copied()),
        number(namespace.uid.or(namespace.owner_uid)),
        command.or(file).unwrap_or_else(|| "-".to_owned()),
    ]
}

/// Returns the ID of each process once.
fn pids(found: &Namespaces) -> String {
    let members: BTreeSet<_> = found.list.iter().flat_map(|found| &found.members).collect();
    let mut text = String::new();
    for pid in members {
        text.push_str(&pid.to_string());
        text.push('\n');
    }
    text
}

fn line(found: &NamespaceInfo) -> String {
    format!("{}\n", cells(found).join("\t"))
}

fn table(found: &Namespaces) -> String {
    let rows: Vec<_> = found.list.iter().map(cells).collect();
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.max().unwrap_or(0).max(HEADER[at].len())
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let bold = Style::new().bold();
    let head = format!("{bold}{}{bold:#}", row(&HEADER.map(str::to_owned), &widths));
    let rows = rows.iter().map(|cells| row(cells, &widths));
    let lines: Vec<_> = [head].into_iter().chain(rows).collect();
    lines.join("\n") + "\n"
}

/// Aligns words to the left and numbers to the right. The last column is not padded.
fn row(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let [kind, numbers @ .., command] = cells;
    let kind = format!("{kind:width$}", width = widths[0]);
    let numbers = numbers.iter().zip(&widths[1..5]).map(|(cell, width)| format!("{cell:>width$}"));
    let cells: Vec<_> = [kind].into_iter().chain(numbers).chain([command.clone()]).collect();
    cells.join("  ")
}
