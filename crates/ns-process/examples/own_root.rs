//! A root of its own for a program: a folder with a shell and what the shell is linked to, copied from
//! this machine.
//!
//! Needs no privilege and downloads nothing. What it makes is gone afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{error, fs, io};

use ns_process::{Chroot, Namespace};

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = std::env::temp_dir().join(format!("own-root-{}", std::process::id()));
    let ran = fill(&root).map_err(Into::into).and_then(|()| run(&root));
    fs::remove_dir_all(&root)?;
    ran
}

fn run(root: &Path) -> Result<(), Box<dyn error::Error>> {
    let mut chroot = Chroot::new(root, "/bin/sh");
    chroot.args(["-c", "echo in $(pwd) there is: /*; cd /proc && echo I am process $$"]);
    chroot.namespace(Namespace::Pid).map_zero().mount_proc();
    let status = chroot.status()?;
    println!("status {}", status.code().unwrap_or(-1));
    Ok(())
}

/// Copies `/bin/sh`, its loader and its libraries, each to where it was.
fn fill(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("proc"))?;
    let shell = Path::new("/bin/sh");
    for file in linked_to(shell)?.iter().map(PathBuf::as_path).chain([shell]) {
        let copy = root.join(file.strip_prefix("/").unwrap_or(file));
        copy.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::copy(file, copy)?;
    }
    Ok(())
}

/// What ldd(1) tells: lines with `=> PATH (ADDRESS)`, and for the loader with `PATH (ADDRESS)`.
fn linked_to(program: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.lines().flat_map(str::split_whitespace);
    Ok(words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}
