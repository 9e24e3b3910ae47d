//! A new root for a program: a directory with copies of a shell and of its libraries.
//!
//! Needs no privilege, downloads nothing, and removes its files.

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

/// Copies `/bin/sh`, its loader and its libraries to the same paths in the new root.
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

/// The paths that ldd(1) prints, for the loader and the libraries.
fn linked_to(program: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.lines().flat_map(str::split_whitespace);
    Ok(words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}
