//! Builds a small root from this machine's shell and the libraries it needs, and lists it from inside.

use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("tiny-root-{}", std::process::id()));
    let result = build_and_list(&directory);
    std::fs::remove_dir_all(&directory)?;
    result
}

fn build_and_list(directory: &Path) -> Result<(), Box<dyn Error>> {
    run(example("ns-space", "rootfs")?.arg(directory).args(["sh", "ls", "cat"]))?;
    // The other example of this crate enters the root.
    let script = "echo \"pid $$ in $(pwd)\"; ls -l / /dev; cat /proc/self/mountinfo";
    run(example("ns-fs", "pre_exec_root")?.arg(directory).args(["/bin/sh", "-c", script]))
}

/// An example of this workspace: the one that was built beside this one, or else by way of cargo.
fn example(package: &str, name: &str) -> Result<Command, Box<dyn Error>> {
    let built = std::env::current_exe()?.with_file_name(name);
    if built.exists() {
        return Ok(Command::new(built));
    }
    // Cargo sets CARGO to its own path for the programs it runs.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "-p", package, "--example", name, "--"]);
    Ok(command)
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
