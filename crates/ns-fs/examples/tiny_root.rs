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
    // Cargo sets CARGO to its own path for the programs it runs.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut rootfs = Command::new(&cargo);
    rootfs.args(["run", "--quiet", "-p", "space", "--example", "rootfs", "--"]);
    run(rootfs.arg(directory).args(["sh", "ls", "cat"]))?;
    // The other example of this crate enters the root.
    let mut inside = Command::new(&cargo);
    inside.args(["run", "--quiet", "-p", "ns-fs", "--example", "pre_exec_root", "--"]);
    let script = "echo \"pid $$ in $(pwd)\"; ls -l / /dev; cat /proc/self/mountinfo";
    run(inside.arg(directory).args(["/bin/sh", "-c", script]))
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
