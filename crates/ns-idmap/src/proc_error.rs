//! What goes wrong at the files below `/proc/PID`.

use std::io;

use rustix::io::Errno;
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
    #[error("could not open {file}{}", open_hint(file, why.as_ref(), source))]
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
    #[error("could not read {file}")]
    Read {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
    },
    /// `write(2)` failed, and the file is as before.
    #[error("could not write {file}{}", hint(why.as_ref()))]
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

/// The reason, after a colon. Where none is known, the errno has to do.
fn hint(why: Option<&Reason>) -> String {
    why.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn open_hint(file: &str, why: Option<&Reason>, error: &io::Error) -> String {
    match (why, Errno::from_io_error(error).and_then(|errno| advice(file, errno))) {
        (None, Some(advice)) => format!(": {advice}"),
        _ => hint(why),
    }
}

fn advice(file: &str, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::MFILE => "RLIMIT_NOFILE is reached; close descriptors, or raise the limit",
        Errno::NFILE => "/proc/sys/fs/file-max is reached; close files, or raise the limit",
        Errno::ROFS => "mount this /proc read-write",
        Errno::NOENT if file == "/proc/self" => "mount a proc file system on /proc",
        Errno::NOENT | Errno::SRCH => "the process has no such file; it may be gone",
        Errno::INVAL => "the process must be a living one in a new user namespace",
        Errno::LOOP => "it is a symbolic link; give a descriptor of a real /proc/PID",
        Errno::NOTDIR => "not a directory; give a descriptor of a real /proc/PID",
        Errno::XDEV => "something is mounted on it; unmount that",
        _ => return None,
    })
}
