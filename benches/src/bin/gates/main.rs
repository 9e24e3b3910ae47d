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

/// How often a row of time that misses is measured again, after all others: who else uses the processor comes and
/// goes, and a regression stays.
const MORE_LOOKS: u32 = 2;

fn main() -> io::Result<ExitCode> {
    if env::vars_os().next().is_some() {
        let mut again = Command::new(env::current_exe()?);
        return Err(again.args(env::args_os().skip(1)).env_clear().exec());
    }
    match Arguments::parse(env::args().skip(1))? {
        Arguments::Rows(wish) => rows(&wish),
        Arguments::Serve { bytes } => flat::serve(bytes),
        Arguments::Count { subject } => counts::serve(&subject),
    }
}

fn rows(wish: &arguments::Wish) -> io::Result<ExitCode> {
    let mut report = Report::new();
    let wanted = || table::ROWS.iter().filter(|row| wish.wants(row));
    wanted().for_each(|row| report.add(row, (row.measure)()));
    for _ in 0..MORE_LOOKS {
        for row in wanted().filter(|row| !row.robust) {
            if report.has_missed(row) {
                report.add(row, (row.measure)());
            }
        }
    }
    report.end(wish.folder.as_deref())
}
