//! Writes the seed inputs of every target: `seeds DIRECTORY`, with one subdirectory per target.

use std::path::Path;
use std::{env, fs, io};

use fuzz::TARGETS;

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).ok_or(io::ErrorKind::InvalidInput)?;
    for target in TARGETS {
        let directory = Path::new(&directory).join(target.name);
        fs::create_dir_all(&directory)?;
        for (number, bytes) in (target.seeds)().iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:03}")), bytes)?;
        }
    }
    Ok(())
}
