//! Builds a tiny root from this machine's own shell and the libraries it needs, and lists it from
//! inside.

use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("tiny-root-{}", std::process::id()));
    let shown = build_and_list(&folder);
    std::fs::remove_dir_all(&folder)?;
    shown
}

fn build_and_list(folder: &Path) -> Result<(), Box<dyn Error>> {
    // Cargo tells which one it is to what it runs.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut rootfs = Command::new(&cargo);
    succeed(rootfs.args(["xtask", "rootfs"]).arg(folder).args(["sh", "ls", "cat"]))?;
    // The other example of this crate goes inside.
    let mut inside = Command::new(&cargo);
    inside.args(["run", "--quiet", "-p", "ns-fs", "--example", "pre_exec_root", "--"]);
    let script = "echo \"pid $$ in $(pwd)\"; ls -l / /dev; cat /proc/self/mountinfo";
    succeed(inside.arg(folder).args(["/bin/sh", "-c", script]))
}

fn succeed(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
