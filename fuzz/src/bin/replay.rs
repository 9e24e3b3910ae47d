//! Runs the bodies on every input of the corpus: `replay [LAYER|TARGET]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use fuzz::{TARGETS, Target, sandbox};

fn main() -> ExitCode {
    let filter = env::args().nth(1).unwrap_or_default();
    let chosen: Vec<&Target> =
        TARGETS.iter().filter(|target| target.name.starts_with(&filter)).collect();
    match replay(&chosen) {
        Ok(0) => {
            eprintln!("no target and no input begins with {filter:?}");
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the corpus cannot be replayed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with the first panic; gives how many inputs there were.
fn replay(chosen: &[&Target]) -> io::Result<usize> {
    // Read before the file system is another one.
    let inputs = chosen.iter().map(|target| inputs(target)).collect::<io::Result<Vec<_>>>()?;
    if chosen.iter().any(|target| target.asks_kernel) {
        sandbox::enter()?;
    }
    for (target, inputs) in chosen.iter().zip(&inputs) {
        for (path, bytes) in inputs {
            let _named = Named(path);
            (target.run)(bytes);
        }
        println!("{}: {} inputs", target.name, inputs.len());
    }
    Ok(inputs.iter().map(Vec::len).sum())
}

type Input = (PathBuf, Vec<u8>);

fn inputs(target: &Target) -> io::Result<Vec<Input>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut paths: Vec<_> = fs::read_dir(corpus)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    paths.into_iter().map(|path| fs::read(&path).map(|bytes| (path, bytes))).collect()
}

/// Tells which input it was, should the body panic.
struct Named<'a>(&'a Path);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on {}", self.0.display());
        }
    }
}
