//! A tiny root from this machine's own programs: each with its loader and libraries, nothing
//! downloaded.

mod interpreter;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::outcome::Outcome;

/// What programs and mounts look for.
const FOLDERS: [&str; 5] = ["bin", "dev", "home", "proc", "tmp"];

/// Fills `folder` with `programs`, names or paths, as `/bin/NAME`.
pub(crate) fn run(folder: &Path, programs: &[String]) -> Result<Outcome> {
    for name in FOLDERS {
        let path = folder.join(name);
        fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
    }
    for program in programs {
        add(folder, &find(program)?).with_context(|| format!("could not add {program}"))?;
    }
    Ok(Outcome::Passed)
}

/// The path of a program that may be given by name.
fn find(program: &str) -> Result<PathBuf> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|at| at.is_file());
    found.with_context(|| format!("{program} is not in PATH"))
}

fn add(folder: &Path, program: &Path) -> Result<()> {
    let name = program.file_name().context("has no name")?;
    copy(program, &folder.join("bin").join(name))?;
    let bytes = fs::read(program)?;
    let Some(loader) = interpreter::of(&bytes)? else { return Ok(()) };
    for library in libraries(&loader, program)? {
        copy(&library, &inside(folder, &library))?;
    }
    Ok(())
}

/// The same path below `folder`.
fn inside(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path.strip_prefix("/").unwrap_or(path))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("has no folder")?;
    fs::create_dir_all(parent)?;
    fs::copy(from, to).with_context(|| format!("could not copy {}", from.display()))?;
    Ok(())
}

/// The loader and all that it would load: its own word, so that its search rules hold.
fn libraries(loader: &Path, program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new(loader).arg("--list").arg(program).output()?;
    ensure!(output.status.success(), "{} --list failed", loader.display());
    let text = String::from_utf8(output.stdout)?;
    Ok(listed(&text).chain([loader.to_owned()]).collect())
}

/// The absolute paths in lines such as `libc.so.6 => /lib/libc.so.6 (0x7f…)`.
fn listed(text: &str) -> impl Iterator<Item = PathBuf> {
    text.lines().filter_map(|line| {
        let path = line.split(" => ").last()?.split_whitespace().next()?;
        path.starts_with('/').then(|| path.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_loader_is_read() {
        let text =
            "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld.so (0x3)\n";
        let paths: Vec<_> = listed(text).collect();
        assert_eq!(paths, [Path::new("/lib/libc.so.6"), Path::new("/lib64/ld.so")]);
    }

    /// By its own loader and libraries, as after a change of root.
    fn run_in(folder: &Path, program: &Path) -> Option<i32> {
        let copy = folder.join("bin/sh");
        let script = ["-c", "exit 7"];
        let Some(loader) = interpreter::of(&fs::read(&copy).unwrap()).unwrap() else {
            return Command::new(&copy).args(script).status().unwrap().code();
        };
        let libraries = libraries(&loader, program).unwrap();
        let folders = libraries.iter().map(|path| inside(folder, path.parent().unwrap()));
        let folders = env::join_paths(folders).unwrap();
        let mut command = Command::new(inside(folder, &loader));
        command.arg("--library-path").arg(folders).arg(&copy).args(script);
        command.status().unwrap().code()
    }

    #[test]
    fn a_shell_runs_from_the_copy() {
        let folder = env::temp_dir().join(format!("xtask rootfs {}", std::process::id()));
        run(&folder, &["sh".to_owned()]).unwrap();
        let code = run_in(&folder, &find("sh").unwrap());
        assert!(run(&folder, &["no-such-program".to_owned()]).is_err());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(code, Some(7));
    }
}
