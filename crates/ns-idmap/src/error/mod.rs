//! Why a map cannot be read, planned, or written.

mod reason;

use std::io;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};

use rustix::io::Errno;
use thiserror::Error;

use crate::{ParseError, RuleError};

pub use reason::Reason;

/// Why a file of a process cannot be read or written.
///
/// `Display` prints what failed and what to do. The errno is in `source()`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProcError {
    /// The map breaks a rule. No system call was made.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// `open(2)` failed.
    #[error("could not open {file}{}", open_hint(file, why.as_ref(), source))]
    Open {
        /// `uid_map`, `gid_map`, `setgroups`, `stat` or `/proc/self`.
        file: &'static str,
        /// The errno.
        source: io::Error,
        /// The reason for `EPERM` and `EACCES`, derived from the state of the caller.
        why: Option<Reason>,
    },
    /// The file is not on a proc file system. It was neither read nor written.
    #[error("{file} is not on a proc file system; give a descriptor of a real /proc/PID")]
    NotProc {
        /// `uid_map`, `gid_map`, `setgroups` or `stat`.
        file: &'static str,
    },
    /// The directory shows no process: it has terminated and is reaped, or this is not a `/proc/PID`.
    #[error("the process has terminated, or its directory is not a /proc/PID")]
    NoProcess {
        /// `ESRCH`.
        source: io::Error,
    },
    /// The directory is on a proc file system that shows another PID namespace than the one on `/proc`.
    ///
    /// The helpers take a process ID of `/proc`. With the ID from this directory, a helper could write
    /// the map of another process.
    #[error(
        "this proc file system shows another PID namespace than /proc, which the helpers use; give a directory in /proc"
    )]
    OtherPidNamespace,
    /// `read(2)` failed.
    #[error("could not read {file}")]
    Read {
        /// `uid_map`, `gid_map`, `setgroups` or `stat`.
        file: &'static str,
        /// The errno.
        source: io::Error,
    },
    /// `write(2)` failed. The file is unchanged.
    #[error("could not write {file}{}", hint(why.as_ref()))]
    Write {
        /// `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
        /// The errno.
        source: io::Error,
        /// The reason for `EPERM` and `EACCES`, derived from the state of the caller.
        why: Option<Reason>,
    },
    /// The content of the file is not a valid map for the reader.
    #[error("{file} has no map that is valid in this user namespace")]
    Shown {
        /// `uid_map` or `gid_map`.
        file: &'static str,
        /// Why it is not valid.
        source: ParseError,
    },
}

/// Why `newuidmap` or `newgidmap` did not write a map.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HelperError {
    /// The map breaks a rule. No program was executed.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The path is relative, so it would depend on the working directory.
    #[error("{} is not an absolute path; give one", path.display())]
    NotAbsolute {
        /// The path.
        path: PathBuf,
    },
    /// The file name is that of the program for the other kind of ID. No program was executed.
    #[error("{} does not write {file}; use {expected}", path.display())]
    OtherKind {
        /// The path.
        path: PathBuf,
        /// The file that is to be written: `uid_map` or `gid_map`.
        file: &'static str,
        /// The program for it: `newuidmap` or `newgidmap`.
        expected: &'static str,
    },
    /// The directory of the process has no process ID for the helper, or the process terminated before
    /// the helper did. In the second case it is unknown whether a map was written.
    #[error(transparent)]
    Proc(#[from] ProcError),
    /// No directory of helpers has the program.
    #[error(
        "{name} is not installed in /usr/bin, /bin or /run/wrappers/bin; install shadow's uidmap, or give its path"
    )]
    NotFound {
        /// `newuidmap` or `newgidmap`.
        name: &'static str,
    },
    /// The helper could not be executed, or waiting for it failed.
    #[error("{} could not be run", program.display())]
    Run {
        /// The path of the helper.
        program: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// The helper exited with a non-zero status or was killed by a signal.
    #[error("{}: {status}: {}{}", program.display(), one_line(said), hint(why.as_ref()))]
    Failed {
        /// The path of the helper.
        program: PathBuf,
        /// The exit status or the signal.
        status: ExitStatus,
        /// The first 4096 bytes that the helper wrote to stderr.
        said: String,
        /// The reason, derived from the map file and the state of the caller:
        /// [`Reason::AlreadyWritten`], [`Reason::NoNewPrivs`], [`Reason::UnprivilegedHelper`] or
        /// [`Reason::UnknownDelegation`].
        why: Option<Reason>,
    },
    /// The helper has terminated, its exit status is lost, and the map file does not show the map.
    ///
    /// The status is lost when `SIGCHLD` is ignored, or when another thread waits for all children.
    #[error(
        "{}: the exit status is lost because SIGCHLD is ignored or another thread waits for all children, and {}: {}",
        program.display(), not_shown(file, read.as_deref()), one_line(said)
    )]
    StatusLost {
        /// The path of the helper.
        program: PathBuf,
        /// `uid_map` or `gid_map`.
        file: &'static str,
        /// The first 4096 bytes that the helper wrote to stderr.
        said: String,
        /// Why the file could not be read; `None` if it shows another map or no map.
        read: Option<Box<ProcError>>,
    },
    /// The helper was still running at its time limit. The map may be written or not.
    #[error(
        "{}: timed out and {}: {}",
        program.display(), if helper.is_some() { "could not be killed at once" } else { "was killed" }, one_line(said)
    )]
    TimedOut {
        /// The path of the helper.
        program: PathBuf,
        /// The first 4096 bytes that the helper wrote to stderr.
        said: String,
        /// The helper, if it is not reaped: `SIGKILL` was refused or has not taken effect yet. The
        /// caller must wait for it. Otherwise it becomes a zombie.
        helper: Option<Child>,
    },
}

/// Why a map could not be installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The writer cannot write the map. Nothing was tried.
    #[error(transparent)]
    Impossible(#[from] Reason),
    /// The direct write failed. No helper was executed.
    #[error(transparent)]
    Proc(#[from] ProcError),
    /// The helper failed. No direct write was tried.
    #[error(transparent)]
    Helper(#[from] HelperError),
}

impl ProcError {
    /// The reason for `EPERM` and `EACCES`, if the state of the caller shows it.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Open { why, .. } | Self::Write { why, .. } => why.as_ref(),
            _ => None,
        }
    }
}

impl HelperError {
    /// The reason why the helper refused the map, if the state of the caller shows it.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Failed { why, .. } => why.as_ref(),
            Self::Proc(error) => error.reason(),
            _ => None,
        }
    }
}

impl InstallError {
    /// The reason, whether it was found by the plan, by the direct write, or after the helper failed.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Impossible(reason) => Some(reason),
            Self::Proc(error) => error.reason(),
            Self::Helper(error) => error.reason(),
        }
    }
}

/// The reason after a colon. Without a reason, the message ends with the errno of `source()`.
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
        Errno::NOENT | Errno::SRCH => "the process has no such file; it may have terminated",
        Errno::INVAL => "the process has terminated, or is still in its parent's user namespace",
        Errno::LOOP => "it is a symbolic link; give a descriptor of a real /proc/PID",
        Errno::NOTDIR => "not a directory; give a descriptor of a real /proc/PID",
        Errno::XDEV => "something is mounted on it; unmount it",
        _ => return None,
    })
}

fn not_shown(file: &str, read: Option<&ProcError>) -> String {
    read.map_or_else(|| format!("{file} does not contain the requested map"), ToString::to_string)
}

fn one_line(stderr: &str) -> String {
    match stderr.trim() {
        "" => "no message on stderr".into(),
        text => text.lines().map(str::trim).collect::<Vec<_>>().join("; "),
    }
}
