//! The gates that hold the speed: measures each row of the table, prints ratio, gate and verdict, writes
//! them to a folder, and fails where a row misses.
//!
//! `gates [--robust] [--only TEXT] [FOLDER]`: of those rows that hold on a busy machine, or whose name
//! contains the text. `cargo xtask gates` calls it.
//!
//! Rows run in a small environment: a start copies the caller's by std's means, which the raw floor
//! has done before it is timed; a row of its own tells what forty variables cost.

mod against_floor;
mod against_peers;
mod against_std;
mod allocations;
mod arguments;
mod closures;
mod counts;
mod flat;
mod inits;
mod injects;
mod layers;
mod load;
mod measured;
mod must;
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
use benches::counting::Counting;
use report::Report;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Set where the environment is the small one.
const INSIDE: &str = "GATES";

fn main() -> io::Result<ExitCode> {
    if env::var_os(INSIDE).is_none() {
        let mut again = Command::new(env::current_exe()?);
        again.args(env::args_os().skip(1)).env_clear().env(INSIDE, "1");
        return Err(again.exec());
    }
    match Arguments::parse(env::args().skip(1))? {
        Arguments::Rows(wish) => rows(&wish),
        Arguments::Serve { bytes } => flat::serve(bytes),
        Arguments::Count { subject } => counts::serve(&subject),
    }
}

fn rows(wish: &arguments::Wish) -> io::Result<ExitCode> {
    let mut report = Report::new();
    for row in table::ROWS.iter().filter(|row| wish.wants(row)) {
        report.add(row, &(row.measure)());
    }
    report.end(wish.folder.as_deref())
}
