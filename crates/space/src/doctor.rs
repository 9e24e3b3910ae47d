//! What works here.

use std::io::{self, Write};
use std::process::ExitCode;

use ns_process::diagnose;

use crate::cli::Listing;
use crate::exit;

pub(crate) fn run(_listing: &Listing) -> ExitCode {
    let printed = writeln!(io::stdout(), "{}", diagnose());
    ExitCode::from(if printed.is_ok() { 0 } else { exit::FAILED })
}
