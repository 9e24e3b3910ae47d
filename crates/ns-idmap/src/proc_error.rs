//! What goes wrong at the files below `/proc/PID`.

use std::io;

use thiserror::Error;

use crate::{ParseError, RuleError};

/// Why a file of a process could not be read or written.
///
/// `Display` says what was done and what to do now; the errno is in `source()`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProcError {
    /// The map itself is wrong; no system call was made.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// `open(2)` failed.
    #[error("could not open {file}: {}", open_hint(source))]
    Open {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
    },
    /// The file opened, but is not on a proc file system; it was not read or written.
    #[error("{file} is not on a proc file system; give a descriptor of a real /proc/PID")]
    NotProc {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
    },
    /// `read(2)` failed.
    #[error("could not read {file}; is the process gone?")]
    Read {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
    },
    /// `write(2)` failed, and nothing was changed.
    #[error("could not write {file}: {}", write_hint(file, source))]
    Write {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
    },
    /// The file shows something that is not a map.
    #[error("{file} cannot be understood")]
    Shown {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// What about it.
        source: ParseError,
    },
}

fn open_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "the process is another user's, or not dumpable; see PR_SET_DUMPABLE in prctl(2)"
        }
        io::ErrorKind::ReadOnlyFilesystem => "give a /proc that is mounted read-write",
        _ => "give a descriptor of /proc/PID of a process that lives",
    }
}

fn write_hint(file: &str, error: &io::Error) -> &'static str {
    match (error.kind(), file) {
        (io::ErrorKind::PermissionDenied, "setgroups") => "it can be set only before gid_map",
        (io::ErrorKind::PermissionDenied, _) => "a map can be written once, by who may",
        _ => "the kernel refused the text",
    }
}
