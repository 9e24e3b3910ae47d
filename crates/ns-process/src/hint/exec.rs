//! Why execve(2) failed.

use std::ffi::CStr;
use std::format;
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::interpreter;

/// Where the child looks up its program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The new root, if it is a directory of the caller.
    pub(crate) root: Option<&'a Path>,
    /// Words for a root that is not the caller's, such as `under the new root`; else empty.
    pub(crate) words: &'static str,
    /// The working directory, a path of the root, if it is not the caller's.
    pub(crate) workdir: Option<&'a Path>,
    /// Whether the caller can see the files of the root.
    pub(crate) is_visible: bool,
}

/// The hint for a program that is given by its path.
pub(crate) fn for_exec(place: Place<'_>, path: &str, errno: Errno) -> Option<String> {
    Some(match errno {
        // Also the error if the interpreter of an existing file is missing.
        Errno::NOENT => without_interpreter(place, path)
            .or_else(|| relative(place, path))
            .unwrap_or_else(|| missing(place)),
        Errno::ACCESS => seen(place, path)
            .map_or("not executable, or in a directory that may not be searched", |path| {
                denied(&path)
            })
            .to_owned(),
        Errno::NOEXEC => format!(
            "neither a program nor a script with #! in its first line: if it is a script, run sh {path}"
        ),
        Errno::AGAIN => processes(),
        Errno::TXTBSY => "the file is open for writing".to_owned(),
        Errno::TOOBIG => "arguments and environment are too large".to_owned(),
        _ => return None,
    })
}

/// The hint for a program that was looked up in `PATH`, where `tried` is the path that failed with `errno`.
pub(crate) fn for_exec_search(
    place: Place<'_>,
    candidates: &[&CStr],
    tried: &str,
    errno: Errno,
) -> String {
    match errno {
        // The search continues after a file whose interpreter is missing, because that is ENOENT as well.
        Errno::NOENT => candidates
            .iter()
            .find_map(|path| without_interpreter(place, &path.to_string_lossy()))
            // The caller does not see the mounts below a new root.
            .unwrap_or_else(|| match place.words {
                "" => "no such program in PATH".to_owned(),
                words => {
                    format!("no such program in PATH {words}, or its interpreter is missing there")
                }
            }),
        Errno::ACCESS => format!(
            "not found in PATH, but {tried} is not executable or its directory may not be searched"
        ),
        // Any candidate would have this error.
        Errno::AGAIN => processes(),
        _ => {
            let why = for_exec(place, tried, errno);
            format!("as {tried}{}", why.map_or(String::new(), |hint| format!(": {hint}")))
        }
    }
}

/// The hint for a program that is given by a descriptor.
pub(crate) fn for_exec_fd(file: BorrowedFd<'_>, errno: Errno) -> Option<String> {
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let hint = match errno {
        Errno::NOENT if interpreter::is_script(&path) => {
            "a script cannot be executed by its descriptor: execute its interpreter"
        }
        Errno::NOENT => {
            let loader = interpreter::of(&path)?;
            return Some(format!("its interpreter {} is missing", loader.display()));
        }
        Errno::ACCESS => "not an executable file, or on a mount that is noexec",
        Errno::NOEXEC => "not a program",
        Errno::TXTBSY => "the file is open for writing",
        Errno::TOOBIG => "arguments and environment are too large",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn missing(place: Place<'_>) -> String {
    match place.words {
        "" => "no such file, or its interpreter is missing".to_owned(),
        words if place.is_visible => {
            format!("no such file {words}, or its interpreter is missing")
        }
        words => format!("no such file {words}, or its interpreter is missing there"),
    }
}

/// The hint for a relative path in another working directory than the caller's.
fn relative(place: Place<'_>, path: &str) -> Option<String> {
    let workdir = place.workdir.filter(|_| Path::new(path).is_relative())?.display();
    let words = place.words;
    let space = if words.is_empty() { "" } else { " " };
    let or = if place.is_visible { "" } else { ", or its interpreter is missing there" };
    Some(format!("{path} is looked up in the working directory {workdir}{space}{words}{or}"))
}

/// execve(2) fails with `EAGAIN` only after a change of the user ID.
fn processes() -> String {
    "the user has more processes than RLIMIT_NPROC allows; raise the limit, or use another uid"
        .to_owned()
}

/// The hint for a file that exists, while its interpreter does not. If both exist, a mount of the child hides one.
fn without_interpreter(place: Place<'_>, path: &str) -> Option<String> {
    let named = interpreter::of(&seen(place, path)?)?;
    if seen(place, &named.to_string_lossy())?.exists() {
        return None;
    }
    Some(format!("{path} is there, but its interpreter {} is missing", named.display()))
}

/// The hint for `EACCES`, as far as the caller may inspect `path`.
fn denied(path: &Path) -> &'static str {
    match fs::metadata(path) {
        Ok(file) if file.is_dir() => "it is a directory; name the program in it",
        Ok(file) if file.permissions().mode() & 0o111 == 0 => "not executable: see chmod(1), +x",
        _ => {
            "not executable by this user, on a mount that is noexec, or in a directory that may not be searched"
        }
    }
}

/// The path of the file in the caller's root, if the caller can see it. Mounts of the new mount namespace are not
/// visible there.
fn seen(place: Place<'_>, path: &str) -> Option<PathBuf> {
    let inside = place.workdir.unwrap_or(Path::new("")).join(path);
    let root = place.root.unwrap_or(Path::new("/"));
    let path = match inside.strip_prefix("/") {
        Ok(below) => root.join(below),
        Err(_) => inside,
    };
    place.is_visible.then_some(path)
}
