//! Measures how the time of a start depends on the memory, threads, mounts and extents of the caller, and how many
//! starts per second several threads make together. Writes tables and plots.
//!
//! Usage: `scaling [--only AXIS] [--check-in] DIRECTORY`. `cargo xtask bench --scaling` runs this program. Each point
//! is measured in a new process, which runs this program again.

mod axis;
mod front_page;
mod plot;
mod point;
mod subject;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use axis::{AXES, Axis};
use benches::machine::Machine;
use table::Table;

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    if let ["point", axis, value] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return point::serve(axis, value);
    }
    let options = Options::parse(words.into_iter())?;
    println!("{}\n", Machine::current().line());
    fs::create_dir_all(&options.directory)?;
    for axis in AXES.iter().filter(|axis| options.contains(axis)) {
        let table = axis.measure()?;
        println!("{}\n", table.markdown());
        save(&table, &options.directory)?;
        if options.check_in && axis.name == "memory" {
            front_page::update(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn save(table: &Table, directory: &Path) -> io::Result<()> {
    let name = table.axis.name;
    fs::write(directory.join(format!("{name}.md")), table.markdown())?;
    fs::write(
        directory.join(format!("{name}.json")),
        serde_json::to_string_pretty(&table.json())?,
    )?;
    let plot = directory.join(format!("{name}.svg"));
    plot::draw(table, &plot)?;
    println!("{}\n", plot.display());
    Ok(())
}

/// The command line.
struct Options {
    directory: PathBuf,
    only: Option<String>,
    check_in: bool,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut options = Self { directory: PathBuf::new(), only: None, check_in: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--check-in" => options.check_in = true,
                "--only" => options.only = words.next(),
                directory => options.directory = directory.into(),
            }
        }
        if options.directory.as_os_str().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "missing operand: DIRECTORY"));
        }
        Ok(options)
    }

    fn contains(&self, axis: &Axis) -> bool {
        self.only.as_deref().is_none_or(|only| only == axis.name)
    }
}
