//! The program of another `space`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns the process ID of the program that a process runs, if the process is a `space`.
pub(super) fn program_of(process: &str, proc: &Path) -> Option<String> {
    let file = |process: &str| {
        let file = fs::metadata(proc.join(process).join("exe")).ok()?;
        Some((file.dev(), file.ino()))
    };
    if file(process)? != file("self")? {
        return None;
    }
    let children = proc.join(format!("{process}/task/{process}/children"));
    let children = fs::read_to_string(children).ok()?;
    children.split_whitespace().next().map(str::to_owned)
}
