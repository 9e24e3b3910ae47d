//! The printed table and the files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use benches::machine::Machine;
use serde::Serialize;

use crate::gate::Verdict;
use crate::measured::Measured;
use crate::row::Row;

/// The machine, and the rows so far.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    rows: Vec<Line>,
    #[serde(skip)]
    measured: BTreeMap<&'static str, Measured>,
}

#[derive(Serialize)]
struct Line {
    row: &'static str,
    measured: String,
    value: Option<f64>,
    repeats: Vec<f64>,
    must: String,
    verdict: Verdict,
}

const HEAD: &str = "| row | measured | must be | verdict |\n|---|---|---|---|";

impl Report {
    pub(crate) fn new() -> Self {
        let machine = Machine::current();
        println!("{}\n\n{HEAD}", machine.line());
        Self { machine, rows: Vec::new(), measured: BTreeMap::new() }
    }

    /// Adds a row and prints it at once, because the whole table takes minutes. If the row was measured before, the
    /// repeats of both measurements count.
    pub(crate) fn add(&mut self, row: &Row, measured: Measured) {
        let measured = match self.measured.remove(row.name) {
            Some(earlier) => earlier.with_repeats(measured),
            None => measured,
        };
        let (value, verdict) = row.gate.judge(&measured);
        let line = Line {
            row: row.name,
            measured: measured.format(value),
            value,
            repeats: measured.values(),
            must: row.gate.to_string(),
            verdict,
        };
        println!("{}", line.markdown());
        self.rows.retain(|line| line.row != row.name);
        self.rows.push(line);
        self.measured.insert(row.name, measured);
    }

    pub(crate) fn has_missed(&self, row: &Row) -> bool {
        self.rows.iter().any(|line| line.row == row.name && line.verdict == Verdict::Missed)
    }

    /// Writes `gates.md` and `gates.json` into the directory. Returns a failure if a row misses its limit, or there are
    /// no rows.
    pub(crate) fn finish(self, directory: Option<&Path>) -> io::Result<ExitCode> {
        let missed = self.rows.iter().filter(|line| line.verdict == Verdict::Missed).count();
        let skipped = self.rows.iter().filter(|line| line.verdict == Verdict::Skipped).count();
        println!("\n{} rows, {missed} missed, {skipped} skipped", self.rows.len());
        if let Some(directory) = directory {
            fs::create_dir_all(directory)?;
            fs::write(directory.join("gates.md"), self.markdown())?;
            fs::write(directory.join("gates.json"), serde_json::to_string_pretty(&self)?)?;
        }
        let holds = missed == 0 && !self.rows.is_empty();
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn markdown(&self) -> String {
        let head = format!("{}\n\n{HEAD}\n", self.machine.line());
        self.rows.iter().fold(head, |mut text, line| {
            writeln!(text, "{}", line.markdown()).expect("write to a string");
            text
        })
    }
}

impl Line {
    fn markdown(&self) -> String {
        let Self { row, measured, must, verdict, .. } = self;
        format!("| {row} | {measured} | {must} | {verdict} |")
    }
}
