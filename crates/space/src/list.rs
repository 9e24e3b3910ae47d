//! The namespaces of this machine, and who is in them.

use std::io::IsTerminal;
use std::process::ExitCode;

use anstyle::Style;
use ns_process::{NamespaceInfo, Namespaces, namespaces};
use serde::Serialize;

use crate::cli::Listing;
use crate::{exit, print};

const HEADER: [&str; 6] = ["KIND", "INODE", "PROCESSES", "PID", "UID", "COMMAND"];

#[derive(Debug, Serialize)]
struct Told<'a> {
    kind: &'a str,
    inode: u64,
    /// The processes in it, the lowest first.
    pids: &'a [u32],
    /// Of the first of them.
    uid: Option<u32>,
    command: Option<&'a str>,
    /// Where it is bound.
    files: Vec<String>,
    /// The user namespace that owns it, by its inode.
    owner: Option<u64>,
    owner_uid: Option<u32>,
    parent: Option<u64>,
}

pub(crate) fn run(listing: &Listing) -> ExitCode {
    match namespaces() {
        Ok(found) => {
            tell_hidden(&found);
            if listing.json {
                print::json(&found.list.iter().map(Told::new).collect::<Vec<_>>())
            } else if std::io::stdout().is_terminal() {
                print::text(&table(&found))
            } else {
                print::text(&found.list.iter().map(line).collect::<String>())
            }
        }
        Err(error) => {
            eprintln!("space: {error}");
            ExitCode::from(exit::FAILED)
        }
    }
}

/// However it is printed: the list is not whole.
fn tell_hidden(found: &Namespaces) {
    let hidden = found.unreadable.len();
    if hidden > 0 {
        eprintln!("space: {hidden} processes cannot be looked at");
    }
}

impl<'a> Told<'a> {
    fn new(found: &'a NamespaceInfo) -> Self {
        let first = found.first.as_ref();
        Self {
            kind: found.kind.name(),
            inode: found.id.ino,
            pids: &found.members,
            uid: first.and_then(|member| member.uid),
            command: first.map(|member| member.command.as_str()),
            files: found.files.iter().map(|file| file.path.display().to_string()).collect(),
            owner: found.owner.known().map(|owner| owner.ino),
            owner_uid: found.owner_uid.known(),
            parent: found.parent.known().map(|parent| parent.ino),
        }
    }
}

/// One that nobody is in has the first file that holds it in place of a command.
fn cells(found: &NamespaceInfo) -> [String; 6] {
    let told = Told::new(found);
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let file = told.files.first().map(|file| format!("at {file}"));
    let command = told.command.map(|command| command.escape_debug().to_string());
    [
        told.kind.to_owned(),
        told.inode.to_string(),
        told.pids.len().to_string(),
        number(told.pids.first().copied()),
        number(told.uid.or(told.owner_uid)),
        command.or(file).unwrap_or_else(|| "-".to_owned()),
    ]
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

/// Words to the left and numbers to the right; the last as long as it is.
fn row(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let [kind, numbers @ .., command] = cells;
    let kind = format!("{kind:width$}", width = widths[0]);
    let numbers = numbers.iter().zip(&widths[1..5]).map(|(cell, width)| format!("{cell:>width$}"));
    let cells: Vec<_> = [kind].into_iter().chain(numbers).chain([command.clone()]).collect();
    cells.join("  ")
}
