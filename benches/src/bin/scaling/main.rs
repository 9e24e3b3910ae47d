//! How the price of a start grows: with memory, threads, mounts and extents of the caller, and how
//! many a second several threads start together. Tables, and plots of them.
//!
//! `scaling [--only AXIS] [--check-in] FOLDER`; `cargo xtask bench --scaling` calls it. Each point is
//! measured in a process of its own, a copy of this one.

mod axis;
mod front_page;
mod plot;
mod point;
mod subject;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use axis::AXES;
use benches::machine::Machine;
use table::Table;

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    if let ["point", axis, value] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return point::serve(axis, value);
    }
    let wish = Wish::parse(words.into_iter())?;
    println!("{}\n", Machine::current().line());
    fs::create_dir_all(&wish.folder)?;
    for axis in AXES.iter().filter(|axis| wish.only.as_deref().is_none_or(|only| only == axis.name))
    {
        let table = axis.measure()?;
        println!("{}\n", table.markdown());
        save(&table, &wish.folder)?;
        if wish.check_in && axis.name == "memory" {
            front_page::show(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn save(table: &Table, folder: &std::path::Path) -> io::Result<()> {
    let name = table.axis.name;
    fs::write(folder.join(format!("{name}.md")), table.markdown())?;
    fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(&table.json())?)?;
    let plot = folder.join(format!("{name}.svg"));
    plot::draw(table, &plot)?;
    println!("{}\n", plot.display());
    Ok(())
}

/// What it is called with.
struct Wish {
    folder: PathBuf,
    only: Option<String>,
    check_in: bool,
}

impl Wish {
    fn parse(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut wish = Self { folder: PathBuf::new(), only: None, check_in: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--check-in" => wish.check_in = true,
                "--only" => wish.only = words.next(),
                folder => wish.folder = folder.into(),
            }
        }
        if wish.folder.as_os_str().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "into which folder?"));
        }
        Ok(wish)
    }
}
