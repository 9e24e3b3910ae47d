//! Copies programs of this machine, with their loaders and shared libraries, into a directory that
//! can be a root: `rootfs DIRECTORY [PROGRAM]...`.
//!
//! A program is a path, or a name that is found in PATH; its copy is `/bin/NAME`. Without programs,
//! `sh`, `ls` and `cat` are copied.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The directories that programs and mounts expect.
const DIRECTORIES: [&str; 5] = ["bin", "dev", "home", "proc", "tmp"];

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(root) = args.next() else {
        eprintln!("usage: rootfs DIRECTORY [PROGRAM]...");
        return ExitCode::FAILURE;
    };
    let mut programs: Vec<_> = args.collect();
    if programs.is_empty() {
        programs = ["sh", "ls", "cat"].map(str::to_owned).into();
    }
    match fill(Path::new(&root), &programs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rootfs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fill(root: &Path, programs: &[String]) -> Result<()> {
    for name in DIRECTORIES {
        let path = root.join(name);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    for program in programs {
        let added = find(program).and_then(|path| add(root, &path));
        added.map_err(|error| format!("{program}: {error}"))?;
    }
    Ok(())
}

fn find(program: &str) -> Result<PathBuf> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path).map(|directory| directory.join(program));
    Ok(candidates.find(|path| path.is_file()).ok_or("not found in PATH")?)
}

fn add(root: &Path, program: &Path) -> Result<()> {
    let name = program.file_name().ok_or("no file name")?;
    copy(program, &root.join("bin").join(name))?;
    let Some(loader) = interpreter(&fs::read(program)?)? else { return Ok(()) };
    for library in libraries(&loader, program)? {
        copy(&library, &below(root, &library))?;
    }
    Ok(())
}

/// The same path below `root`.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().ok_or("no parent directory")?)?;
    fs::copy(from, to).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(())
}

/// The loader and every library that it would load. The loader itself reports them, so its search
/// rules apply.
fn libraries(loader: &Path, program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new(loader).arg("--list").arg(program).output()?;
    if !output.status.success() {
        return Err(format!("`{} --list` failed", loader.display()).into());
    }
    let list = String::from_utf8(output.stdout)?;
    Ok(absolute_paths(&list).chain([loader.to_owned()]).collect())
}

/// The absolute paths in lines such as `libc.so.6 => /lib/libc.so.6 (0x7f…)`.
fn absolute_paths(list: &str) -> impl Iterator<Item = PathBuf> {
    list.lines().filter_map(|line| {
        let path = line.split(" => ").last()?.split_whitespace().next()?;
        path.starts_with('/').then(|| path.into())
    })
}

/// The loader that a 64-bit ELF program names in its header `PT_INTERP`; `None` for a program that
/// is linked statically. See elf(5).
fn interpreter(file: &[u8]) -> Result<Option<PathBuf>> {
    const PT_INTERP: u64 = 3;
    // Class 2 is 64 bits, data encoding 1 is little-endian.
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return Err("not a 64-bit ELF program".into());
    }
    let (table, size, count) = (number(file, 32, 8)?, number(file, 54, 2)?, number(file, 56, 2)?);
    for index in 0..count {
        let header = table + index * size;
        if number(file, header, 4)? == PT_INTERP {
            let (start, length) = (number(file, header + 8, 8)?, number(file, header + 32, 8)?);
            let path = slice(file, start, length)?.strip_suffix(b"\0").ok_or("no NUL")?;
            return Ok(Some(std::str::from_utf8(path)?.into()));
        }
    }
    Ok(None)
}

/// The little-endian number of `length` bytes at `start`.
fn number(file: &[u8], start: u64, length: u64) -> Result<u64> {
    let bytes = slice(file, start, length)?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn slice(file: &[u8], start: u64, length: u64) -> Result<&[u8]> {
    let rest = file.get(usize::try_from(start)?..).ok_or("truncated")?;
    Ok(rest.get(..usize::try_from(length)?).ok_or("truncated")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_loader_is_read() {
        let list =
            "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld.so (0x3)\n";
        let paths: Vec<_> = absolute_paths(list).collect();
        assert_eq!(paths, [Path::new("/lib/libc.so.6"), Path::new("/lib64/ld.so")]);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(interpreter(b"#!/bin/sh\n").is_err());
        assert!(interpreter(b"\x7fELF\x02\x01").is_err());
    }

    #[test]
    fn a_program_without_headers_is_static() {
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(64, 0);
        assert_eq!(interpreter(&file).expect("a header"), None);
    }

    /// Runs the copied shell with the copied loader and libraries, as after a change of root.
    fn exit_code_of_copy(root: &Path, program: &Path) -> Option<i32> {
        let copy = root.join("bin/sh");
        let script = ["-c", "exit 7"];
        let Some(loader) = interpreter(&fs::read(&copy).expect("the copy")).expect("a program")
        else {
            return Command::new(&copy).args(script).status().expect("start").code();
        };
        let libraries = libraries(&loader, program).expect("libraries");
        let directories = libraries.iter().filter_map(|path| path.parent());
        let search = env::join_paths(directories.map(|path| below(root, path))).expect("a path");
        let mut command = Command::new(below(root, &loader));
        command.arg("--library-path").arg(search).arg(&copy).args(script);
        command.status().expect("start").code()
    }

    #[test]
    fn the_copy_of_a_shell_runs() {
        let root = env::temp_dir().join(format!("space rootfs {}", std::process::id()));
        fill(&root, &["sh".to_owned()]).expect("a root");
        let code = exit_code_of_copy(&root, &find("sh").expect("a shell"));
        assert!(fill(&root, &["no-such-program".to_owned()]).is_err());
        fs::remove_dir_all(&root).expect("the directory");
        assert_eq!(code, Some(7));
    }
}
