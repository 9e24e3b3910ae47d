//! Why execve(2) failed.

use std::ffi::CStr;
use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::{interpreter, permission};

/// The hint for a program that is given by its path, under the new `root` if there is one.
pub(crate) fn for_exec(root: Option<&Path>, path: &str, errno: Errno) -> Option<String> {
    Some(
        match errno {
            Errno::NOENT => return Some(missing(root, path)),
            Errno::ACCESS => {
                seen(root, path).map_or("not executable", |path| permission::denied(&path))
            }
            Errno::NOEXEC => "not a program, and a script needs a first line with #!",
            Errno::TXTBSY => "it is open for writing",
            Errno::TOOBIG => "arguments and environment are too large",
            _ => return None,
        }
        .to_owned(),
    )
}

/// The hint for a program that was looked up in `PATH`, where `tried` is the path that failed with `errno`.
pub(crate) fn for_exec_search(
    root: Option<&Path>,
    candidates: &[&CStr],
    tried: &str,
    errno: Errno,
) -> String {
    match errno {
        Errno::NOENT => found_without_interpreter(root, candidates)
            .unwrap_or_else(|| format!("no such program in PATH{}", under(root))),
        Errno::ACCESS => format!(
            "not found in PATH, but {tried} is not executable or its directory may not be searched"
        ),
        _ => {
            let why = for_exec(root, tried, errno);
            format!("as {tried}{}", why.map_or(String::new(), |hint| format!(": {hint}")))
        }
    }
}

/// ENOENT also means that the interpreter of an existing file is missing.
fn missing(root: Option<&Path>, path: &str) -> String {
    without_interpreter(root, path).unwrap_or_else(|| {
        let place = under(root);
        format!("no such file{place}, or its interpreter is missing")
    })
}

fn under(root: Option<&Path>) -> &'static str {
    root.map_or("", |_| " under the new root")
}

/// The search continues after a file whose interpreter is missing, because that is ENOENT as well.
fn found_without_interpreter(root: Option<&Path>, candidates: &[&CStr]) -> Option<String> {
    candidates.iter().find_map(|path| without_interpreter(root, &path.to_string_lossy()))
}

fn without_interpreter(root: Option<&Path>, path: &str) -> Option<String> {
    let named = interpreter::of(&seen(root, path)?)?;
    Some(format!("{path} is there, but its interpreter {} is missing", named.display()))
}

/// The path of the file in the caller's root. Mounts of the new mount namespace are not visible there.
fn seen(root: Option<&Path>, path: &str) -> Option<PathBuf> {
    let inside = Path::new(path);
    match root {
        Some(root) => Some(root.join(inside.strip_prefix("/").ok()?)),
        None => Some(inside.to_owned()),
    }
}
