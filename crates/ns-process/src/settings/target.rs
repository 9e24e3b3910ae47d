//! The target of an `Inject`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::process::Child;
use std::sync::Arc;
use std::{fmt, format};

use ns_sys::{Errno, WaitFlags, pidfd_open, waitid_pidfd};

use super::WaitingChild;
use crate::process::Process;

/// A running process: its ID as a number or as text, a pidfd, a [`Process`], or a child that std
/// started.
///
/// A pidfd or a handle cannot refer to another process later, as an ID can. The target keeps the
/// descriptor open, or a duplicate if it is borrowed. An invalid ID is an error of the start, or of
/// the function that takes the target.
///
/// # Examples
/// ```
/// use ns_process::{Namespace, Target, namespace_of};
///
/// let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("spawn");
/// let uts = namespace_of(&child, Namespace::Uts)?;
/// assert_eq!(uts.id(), namespace_of(child.id(), Namespace::Uts)?.id());
/// child.kill().and_then(|()| child.wait()).expect("the child ends");
/// assert_eq!(Target::from("1").to_string(), "process 1");
/// # Ok::<(), ns_process::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Target(Reference);

#[derive(Clone, Debug)]
enum Reference {
    Pid(u32),
    Pidfd(Arc<OwnedFd>),
    /// An ID, and a descriptor that fixes the process.
    PidWithFd(u32, Arc<OwnedFd>),
    /// An ID, and the reason why no descriptor could be opened.
    Unopened(u32, Errno),
    /// The given value is no process.
    Invalid(String),
}

impl Target {
    /// The error message of an invalid target.
    pub(crate) fn invalid(&self) -> Option<&str> {
        match &self.0 {
            Reference::Invalid(message) => Some(message),
            _ => None,
        }
    }

    /// Opens a pidfd of the process.
    pub(crate) fn open(&self) -> Result<Arc<OwnedFd>, Errno> {
        match &self.0 {
            Reference::Pid(pid) => pidfd_open(*pid).map(Arc::new),
            Reference::Pidfd(pidfd) | Reference::PidWithFd(_, pidfd) => Ok(Arc::clone(pidfd)),
            Reference::Unopened(_, errno) => Err(*errno),
            Reference::Invalid(_) => Err(Errno::SRCH),
        }
    }

    /// Opens the pidfd now, so that later opens refer to the same process.
    pub(crate) fn hold(self) -> Result<Self, Errno> {
        match self.0 {
            Reference::Pid(pid) => {
                Ok(Self(Reference::PidWithFd(pid, pidfd_open(pid).map(Arc::new)?)))
            }
            _ => Ok(self),
        }
    }

    /// Adds the ID of the process to its pidfd, for error messages.
    fn with_id(self, pid: u32) -> Self {
        match self.0 {
            Reference::Pidfd(pidfd) => Self(Reference::PidWithFd(pid, pidfd)),
            other => Self(other),
        }
    }

    /// The process ID, if it is known.
    pub(crate) fn id(&self) -> Option<u32> {
        match self.0 {
            Reference::Pid(pid) | Reference::PidWithFd(pid, _) | Reference::Unopened(pid, _) => {
                Some(pid)
            }
            Reference::Pidfd(_) | Reference::Invalid(_) => None,
        }
    }
}

/// The name of the process in error messages: `process 42`, or `the process of a pidfd`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reference::Pid(pid) | Reference::PidWithFd(pid, _) | Reference::Unopened(pid, _) => {
                write!(f, "process {pid}")
            }
            Reference::Pidfd(_) => f.write_str("the process of a pidfd"),
            Reference::Invalid(message) => f.write_str(message),
        }
    }
}

/// The given value is no process ID.
fn invalid(value: impl fmt::Display) -> Target {
    Target(Reference::Invalid(format!("{value} is not a process ID")))
}

impl From<u32> for Target {
    fn from(pid: u32) -> Self {
        let is_valid = i32::try_from(pid).is_ok_and(|pid| pid > 0);
        if is_valid { Self(Reference::Pid(pid)) } else { invalid(pid) }
    }
}

/// For a `pid_t` of libc. A process group, as a negative number to kill(2), is no target.
impl From<i32> for Target {
    fn from(pid: i32) -> Self {
        u32::try_from(pid).map_or_else(|_| invalid(pid), Self::from)
    }
}

impl From<&str> for Target {
    fn from(pid: &str) -> Self {
        let is_decimal = pid.bytes().all(|byte| byte.is_ascii_digit());
        let number = pid.parse::<u32>().ok().filter(|_| is_decimal);
        number.map_or_else(|| invalid(format!("{pid:?}")), Self::from)
    }
}

impl From<String> for Target {
    fn from(pid: String) -> Self {
        Self::from(pid.as_str())
    }
}

impl From<&String> for Target {
    fn from(pid: &String) -> Self {
        Self::from(pid.as_str())
    }
}

impl From<OwnedFd> for Target {
    fn from(pidfd: OwnedFd) -> Self {
        Self(Reference::Pidfd(Arc::new(pidfd)))
    }
}

impl From<BorrowedFd<'_>> for Target {
    fn from(pidfd: BorrowedFd<'_>) -> Self {
        Self(match pidfd.try_clone_to_owned() {
            Ok(pidfd) => Reference::Pidfd(Arc::new(pidfd)),
            Err(error) => {
                Reference::Invalid(format!("the descriptor cannot be duplicated: {error}"))
            }
        })
    }
}

impl From<&Process> for Target {
    fn from(process: &Process) -> Self {
        Self::from(process.as_fd()).with_id(process.pid())
    }
}

impl From<&WaitingChild<'_>> for Target {
    fn from(child: &WaitingChild<'_>) -> Self {
        Self::from(child.as_fd()).with_id(child.pid())
    }
}

/// Opens a pidfd of the child now. A child that was waited for is an error as
/// [`Step::TargetGone`](crate::Step::TargetGone).
///
/// After the wait the kernel may give its ID to another process. That process is not taken for the
/// child, unless it is another child of the caller.
impl From<&Child> for Target {
    fn from(child: &Child) -> Self {
        let pid = child.id();
        Self(match open_child(pid) {
            Ok(pidfd) => Reference::PidWithFd(pid, Arc::new(pidfd)),
            Err(errno) => Reference::Unopened(pid, errno),
        })
    }
}

/// Opens a pidfd of a child of the caller; `ESRCH` if no child has this ID.
fn open_child(pid: u32) -> Result<OwnedFd, Errno> {
    let pidfd = pidfd_open(pid)?;
    let probe = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
    match waitid_pidfd(&pidfd, probe) {
        Err(Errno::CHILD) => Err(Errno::SRCH),
        // A filter may forbid the call.
        _ => Ok(pidfd),
    }
}
