//! The proc file system, which `list` and `doctor` read.

use std::path::Path;

/// Returns an error message if proc is not mounted on `/proc`.
pub(crate) fn check() -> Result<(), &'static str> {
    if Path::new("/proc/self/ns").exists() { Ok(()) } else { Err("/proc: proc is not mounted") }
}
