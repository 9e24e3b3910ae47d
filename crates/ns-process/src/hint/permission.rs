//! Hints for an existing program that may not be executed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::prelude::rust_2024::*;

/// The hint for `EACCES` from execve(2), as far as the caller may inspect `path`.
pub(crate) fn denied(path: &Path) -> &'static str {
    match fs::metadata(path) {
        Ok(file) if file.is_dir() => "it is a directory; name the program in it",
        Ok(file) if file.permissions().mode() & 0o111 == 0 => "not executable: see chmod(1), +x",
        _ => {
            "not executable by this user, on a mount that is noexec, or in a directory that may not be searched"
        }
    }
}
