//! The target of an `Inject`.

use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, pidfd_open};

use crate::process::Process;

/// A running process: its ID as a number or as text, a pidfd, or the handle of a process that this
/// crate started.
///
/// A pidfd or a handle cannot refer to another process later, as an ID can. The target keeps the
/// descriptor open, or a duplicate if it is borrowed.
#[derive(Clone, Debug)]
pub struct Target(Reference);

#[derive(Clone, Debug)]
enum Reference {
    Pid(u32),
    Pidfd(Arc<OwnedFd>),
    /// An ID, and a descriptor that fixes the process.
    PidWithFd(u32, Arc<OwnedFd>),
    /// The given value is no process.
    Invalid(String),
}

impl Target {
    /// The error message of an invalid target.
    pub(crate) fn invalid(&self) -> Option<&str> {
        match &self.0 {
            Reference::Invalid(message) => Some(message),
            Reference::Pid(_) | Reference::Pidfd(_) | Reference::PidWithFd(..) => None,
        }
    }

    /// Opens a pidfd of the process.
    pub(crate) fn open(&self) -> Result<Arc<OwnedFd>, Errno> {
        match &self.0 {
            Reference::Pid(pid) => pidfd_open(*pid).map(Arc::new),
            Reference::Pidfd(pidfd) | Reference::PidWithFd(_, pidfd) => Ok(Arc::clone(pidfd)),
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

    /// The process ID, if the target is given by it.
    pub(crate) fn id(&self) -> Option<u32> {
        match self.0 {
            Reference::Pid(pid) | Reference::PidWithFd(pid, _) => Some(pid),
            Reference::Pidfd(_) | Reference::Invalid(_) => None,
        }
    }

    /// The name of the target in messages.
    pub(crate) fn name(&self) -> String {
        match &self.0 {
            Reference::Pid(pid) | Reference::PidWithFd(pid, _) => format!("process {pid}"),
            Reference::Pidfd(_) => "the process of a descriptor".to_owned(),
            Reference::Invalid(message) => message.clone(),
        }
    }
}

impl From<u32> for Target {
    fn from(pid: u32) -> Self {
        Self(Reference::Pid(pid))
    }
}

impl From<&str> for Target {
    fn from(pid: &str) -> Self {
        let number = pid.parse().ok().filter(|_| pid.bytes().all(|byte| byte.is_ascii_digit()));
        Self(number.map_or_else(
            || Reference::Invalid(format!("{pid:?} is no process id")),
            Reference::Pid,
        ))
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
        Self::from(process.as_fd())
    }
}
