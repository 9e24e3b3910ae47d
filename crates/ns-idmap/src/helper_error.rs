//! How a helper fails.

use std::io;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};

use thiserror::Error;

use crate::{IdKind, ProcError, RuleError};

/// Why `newuidmap` or `newgidmap` did not write a map.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HelperError {
    /// The map itself is wrong; nothing was run.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A relative path would depend on the working directory.
    #[error("{} is not an absolute path; give one", path.display())]
    NotAbsolute {
        /// The path.
        path: PathBuf,
    },
    /// It is not where helpers are.
    #[error(
        "{name} is not installed in /usr/bin, /bin or /run/wrappers/bin; install shadow's uidmap, or name the path"
    )]
    NotFound {
        /// `newuidmap` or `newgidmap`.
        name: &'static str,
    },
    /// It could not be run, or not be waited for.
    #[error("{} could not be run", program.display())]
    Run {
        /// The path.
        program: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// It ran and failed, or was killed.
    #[error("{}: {status}: {}{}", program.display(), one_line(said), privilege_hint(*no_new_privs))]
    Failed {
        /// The path.
        program: PathBuf,
        /// How it ended: an exit status or a signal.
        status: ExitStatus,
        /// The first 4096 bytes that it wrote to stderr.
        said: String,
        /// Whether the caller has `no_new_privs` set, under which helpers gain no privilege.
        no_new_privs: bool,
    },
    /// It has ended, its exit status is lost, and the map file does not show the map.
    ///
    /// The status is lost when `SIGCHLD` is ignored, or when another thread waits for all children.
    #[error(
        "{}: the exit status is lost, as SIGCHLD is ignored or another thread waits for all children, and {}: {}",
        program.display(), why_not_shown(file, read.as_deref()), one_line(said)
    )]
    StatusLost {
        /// The path.
        program: PathBuf,
        /// `uid_map` or `gid_map`.
        file: &'static str,
        /// The first 4096 bytes that it wrote to stderr.
        said: String,
        /// Why the file could not be read; `None` if it shows another map or none.
        read: Option<Box<ProcError>>,
    },
    /// It was still running when its time was over. The map may be written or not.
    #[error(
        "{}: still running when its time was over, and {}: {}",
        program.display(), if helper.is_some() { "not killed at once" } else { "killed" }, one_line(said)
    )]
    TimedOut {
        /// The path.
        program: PathBuf,
        /// The first 4096 bytes that it wrote to stderr.
        said: String,
        /// The helper, if it has not been reaped: `SIGKILL` was refused or has not taken effect.
        /// The caller has to wait for it, or it becomes a zombie.
        helper: Option<Child>,
    },
}

impl HelperError {
    #[cold]
    pub(crate) fn failed(program: PathBuf, status: ExitStatus, said: String) -> Self {
        let no_new_privs = rustix::thread::no_new_privs().unwrap_or(false);
        Self::Failed { program, status, said, no_new_privs }
    }

    #[cold]
    pub(crate) fn status_lost<K: IdKind>(
        program: PathBuf,
        said: String,
        read: Option<ProcError>,
    ) -> Self {
        Self::StatusLost { program, file: K::FILE, said, read: read.map(Box::new) }
    }
}

fn why_not_shown(file: &str, read: Option<&ProcError>) -> String {
    read.map_or_else(|| format!("{file} does not show the map"), ToString::to_string)
}

fn one_line(said: &str) -> String {
    match said.trim() {
        "" => "it said nothing".into(),
        words => words.lines().map(str::trim).collect::<Vec<_>>().join("; "),
    }
}

fn privilege_hint(no_new_privs: bool) -> &'static str {
    if no_new_privs { " (no_new_privs is set, so it gains no privilege)" } else { "" }
}
