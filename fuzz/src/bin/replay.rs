//! Replays the corpus: runs each body on every input of its target. Usage: `replay [LAYER|TARGET]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use fuzz::{TARGETS, Target, sandbox};

fn main() -> ExitCode {
    let filter = env::args().nth(1).unwrap_or_default();
    let selected: Vec<&Target> =
        TARGETS.iter().filter(|target| target.name.starts_with(&filter)).collect();
    match replay(&selected) {
        Ok(0) => {
            eprintln!("no target with an input begins with {filter:?}");
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot replay the corpus: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the number of inputs. The first panic of a body ends the process.
fn replay(selected: &[&Target]) -> io::Result<usize> {
    // Read the inputs first: in the new namespaces the files may be out of reach.
    let inputs = selected.iter().map(|target| inputs(target)).collect::<io::Result<Vec<_>>>()?;
    if selected.iter().any(|target| target.uses_kernel) {
        sandbox::enter()?;
    }
    for (target, inputs) in selected.iter().zip(&inputs) {
        for (path, bytes) in inputs {
            let _guard = PrintOnPanic(path);
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

/// Prints the path of the input if the body panics.
struct PrintOnPanic<'a>(&'a Path);

impl Drop for PrintOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on {}", self.0.display());
        }
    }
}
