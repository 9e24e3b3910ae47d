//! Performance gates: measures each row of the table, prints value, limit and verdict, and fails if a row misses its
//! limit.
//!
//! Usage: `gates [--robust] [--only TEXT] [DIRECTORY]`. `--robust` selects the rows that also hold on a busy machine,
//! `--only` those whose name contains TEXT. The results are also written to DIRECTORY. `cargo xtask gates` runs this
//! program.
//!
//! The program runs with an empty environment, because a start copies the environment and the raw floor does not do so
//! while it is measured. A separate row measures the cost of forty variables.

mod against_floor;
mod against_peers;
mod against_std;
mod allocations;
mod arguments;
mod closures;
mod counts;
mod flat;
mod gate;
mod inits;
mod injects;
mod layers;
mod load;
mod measured;
mod pools;
mod price;
mod report;
mod row;
mod setns;
mod starters;
mod table;

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use arguments::Arguments;
use ns_testbed::CountingHeap;
use report::Report;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// How often a time row that misses its limit is measured again, after all others. Another load of the processor
/// passes; a regression does not.
const RETRIES: u32 = 2;

fn main() -> io::Result<ExitCode> {
    if env::vars_os().next().is_some() {
        let mut command = Command::new(env::current_exe()?);
        return Err(command.args(env::args_os().skip(1)).env_clear().exec());
    }
    match Arguments::parse(env::args().skip(1))? {
        Arguments::Rows(selection) => rows(&selection),
        Arguments::Serve { bytes } => flat::serve(bytes),
        Arguments::Count { subject } => counts::serve(&subject),
    }
}

fn rows(selection: &arguments::Selection) -> io::Result<ExitCode> {
    let mut report = Report::new();
    let selected = || table::ROWS.iter().filter(|row| selection.contains(row));
    selected().for_each(|row| report.add(row, (row.measure)()));
    for _ in 0..RETRIES {
        for row in selected().filter(|row| !row.robust) {
            if report.has_missed(row) {
                report.add(row, (row.measure)());
            }
        }
    }
    report.finish(selection.directory.as_deref())
}
