//! What goes wrong at the files below `/proc/PID`.

use std::io;

use thiserror::Error;

use crate::{ParseError, Reason, RuleError};

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
    #[error("could not open {file}: {}", hint(why.as_ref(), source))]
    Open {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
        /// What the caller's own state says about a refusal.
        why: Option<Reason>,
    },
    /// The file opened, but is not on a proc file system; it was neither read nor written.
    #[error("{file} is not on a proc file system; give a descriptor of a real /proc/PID")]
    NotProc {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
    },
    /// `read(2)` failed.
    #[error("could not read {file}; look whether the process lives")]
    Read {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
    },
    /// `write(2)` failed, and the file is as before.
    #[error("could not write {file}: {}", hint(why.as_ref(), source))]
    Write {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
        /// What the caller's own state says about a refusal.
        why: Option<Reason>,
    },
    /// The file shows something that is not a map in the reader's eyes.
    #[error("{file} shows no map that can be used here")]
    Shown {
        /// `uid_map` or `gid_map`.
        file: &'static str,
        /// What about it.
        source: ParseError,
    },
}

fn hint(why: Option<&Reason>, error: &io::Error) -> String {
    match (why, error.kind()) {
        (Some(reason), _) => reason.to_string(),
        (None, io::ErrorKind::ReadOnlyFilesystem) => "mount this /proc read-write".into(),
        (None, io::ErrorKind::NotFound) => "the process has no such file; it may be gone".into(),
        (None, _) => "the process must be a living one in a new user namespace".into(),
    }
}
