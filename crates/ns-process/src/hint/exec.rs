//! Why execve(2) failed.

use std::ffi::CStr;
use std::format;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::interpreter;

/// The hint for a program that is given by its path, under the new `root` if there is one.
pub(crate) fn for_exec(root: Option<&Path>, path: &str, errno: Errno) -> Option<String> {
    Some(
        match errno {
            // Also the error if the interpreter of an existing file is missing.
            Errno::NOENT => {
                return Some(without_interpreter(root, path).unwrap_or_else(|| {
                    format!("no such file{}, or its interpreter is missing", under(root))
                }));
            }
            Errno::ACCESS => seen(root, path).map_or("not executable", |path| denied(&path)),
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
        // The search continues after a file whose interpreter is missing, because that is ENOENT as well.
        Errno::NOENT => candidates
            .iter()
            .find_map(|path| without_interpreter(root, &path.to_string_lossy()))
            .unwrap_or_else(|| match root {
                // The caller does not see the mounts below the new root.
                Some(_) => MISSING_UNDER_ROOT.to_owned(),
                None => "no such program in PATH".to_owned(),
            }),
        Errno::ACCESS => format!(
            "not found in PATH, but {tried} is not executable or its directory may not be searched"
        ),
        _ => {
            let why = for_exec(root, tried, errno);
            format!("as {tried}{}", why.map_or(String::new(), |hint| format!(": {hint}")))
        }
    }
}

/// The hint for a program under a new root that the caller cannot inspect.
pub(crate) fn for_exec_unseen(by_path: bool, errno: Errno) -> Option<String> {
    match errno {
        Errno::NOENT if by_path => {
            Some("no such file under the new root, or its interpreter is missing there".to_owned())
        }
        Errno::NOENT => Some(MISSING_UNDER_ROOT.to_owned()),
        Errno::ACCESS => {
            Some("not executable, or in a directory that may not be searched".to_owned())
        }
        Errno::NOEXEC => Some("not a program, and a script needs a first line with #!".to_owned()),
        _ => None,
    }
}

const MISSING_UNDER_ROOT: &str =
    "no such program in PATH under the new root, or its interpreter is missing there";

fn under(root: Option<&Path>) -> &'static str {
    root.map_or("", |_| " under the new root")
}

fn without_interpreter(root: Option<&Path>, path: &str) -> Option<String> {
    let named = interpreter::of(&seen(root, path)?)?;
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

/// The path of the file in the caller's root. Mounts of the new mount namespace are not visible there.
fn seen(root: Option<&Path>, path: &str) -> Option<PathBuf> {
    let inside = Path::new(path);
    match root {
        Some(root) => Some(root.join(inside.strip_prefix("/").ok()?)),
        None => Some(inside.to_owned()),
    }
}
