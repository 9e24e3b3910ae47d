//! Why a map cannot be read, planned, or written.

use std::io;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};

use rustix::io::Errno;
use thiserror::Error;

use crate::{ComposeError, Numbered, ParseError, RuleError};

/// Why a writer cannot write a map. The message says what would help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The map breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The writer's user namespace does not map the outside IDs.
    #[error(transparent)]
    Parent(#[from] ComposeError),
    /// An extent lies in two extents of the map of the writer's user namespace.
    #[error("{0} lies in two extents of the parent's map; split it with split_at")]
    Spans(Numbered),
    /// The map has ID 0 of the parent, and the writer has no `CAP_SETFCAP` (since Linux 5.12).
    #[error("mapping uid 0 of the parent needs CAP_SETFCAP; keep it, or map another uid")]
    NoSetfcap,
    /// The caller is not dumpable, so root owns the `/proc` files of its child.
    ///
    /// Only a refused write has this reason. A plan never has it, because another thread may change
    /// the "dumpable" attribute at any time.
    #[error(
        "the caller is not dumpable, so root owns the /proc files of its child; call prctl(PR_SET_DUMPABLE, 1) before the child is created"
    )]
    NotDumpable,
    /// An unprivileged writer maps its own group ID, but `setgroups` is to stay `allow`.
    #[error(
        "without CAP_SETGID, your own gid can be mapped only after \"deny\" is written to setgroups; use Setgroups::Auto"
    )]
    SetgroupsKept,
    /// The writer is root but lacks the named capability. No helper is used for root.
    #[error("{0} is missing; keep this capability until the map is written")]
    NoCapability(&'static str),
    /// `no_new_privs` is set, so `newuidmap` and `newgidmap` gain no privilege.
    #[error(
        "no_new_privs is set, so newuidmap and newgidmap gain no privilege; map your own id alone, or set no_new_privs later"
    )]
    NoNewPrivs,
    /// The user ID has no name in the user database, so `newuidmap` and `newgidmap` refuse it.
    #[error("uid {0} has no entry in the user database, so newuidmap refuses it; add an entry")]
    NoName(u32),
    /// The IDs are not delegated to the writer.
    #[error(
        "{at} goes beyond your own id, and is not delegated; map your own id alone, or add a line for this user to {file}, such as USER:100000:65536"
    )]
    NotDelegated {
        /// The extent.
        at: Numbered,
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
    },
    /// The map was written directly, but only a helper can write it.
    #[error(
        "a direct write of this map needs CAP_SETUID or CAP_SETGID; use write_by, which runs newuidmap or newgidmap"
    )]
    NeedsHelper,
    /// The namespace already has a map.
    #[error("a map has been written already, and it cannot be changed")]
    AlreadyWritten,
    /// The error is `EPERM`, and none of the other reasons applies.
    #[error(
        "the writer must be in the user namespace or its parent, and must own the namespace or have CAP_SYS_ADMIN in it"
    )]
    NotTheParent,
}

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
        /// `uid_map`, `gid_map`, `setgroups` or `/proc/self`.
        file: &'static str,
        /// The errno.
        source: io::Error,
        /// The reason for `EPERM` and `EACCES`, derived from the state of the caller.
        why: Option<Reason>,
    },
    /// The file is not on a proc file system. It was neither read nor written.
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
    #[error("{}: {status}: {}{}", program.display(), one_line(said), privilege_hint(*no_new_privs))]
    Failed {
        /// The path of the helper.
        program: PathBuf,
        /// The exit status or the signal.
        status: ExitStatus,
        /// The first 4096 bytes that the helper wrote to stderr.
        said: String,
        /// Whether the caller has `no_new_privs` set, so that a helper gains no privilege.
        no_new_privs: bool,
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

fn privilege_hint(no_new_privs: bool) -> &'static str {
    if no_new_privs { " (no_new_privs is set, so the helper gains no privilege)" } else { "" }
}
