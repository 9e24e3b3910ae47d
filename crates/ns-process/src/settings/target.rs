//! A process that is to be entered, by whatever names it.

use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, pidfd_open};

use crate::process::Process;

/// A running process: its id, as number or text, a descriptor of it, or the handle of one that this
/// crate started.
///
/// A descriptor or a handle cannot come to mean another process, as an id can. It is kept open for as
/// long as the target is.
#[derive(Clone, Debug)]
pub struct Target(Named);

#[derive(Clone, Debug)]
enum Named {
    Pid(u32),
    Pidfd(Arc<OwnedFd>),
    /// By its id, which means this process.
    Held(u32, Arc<OwnedFd>),
    /// What was given names no process.
    Nothing(String),
}

impl Target {
    /// What is wrong with it, in words.
    pub(crate) fn invalid(&self) -> Option<&str> {
        match &self.0 {
            Named::Nothing(message) => Some(message),
            Named::Pid(_) | Named::Pidfd(_) | Named::Held(..) => None,
        }
    }

    /// A descriptor of it.
    pub(crate) fn open(&self) -> Result<Arc<OwnedFd>, Errno> {
        match &self.0 {
            Named::Pid(pid) => pidfd_open(*pid).map(Arc::new),
            Named::Pidfd(pidfd) | Named::Held(_, pidfd) => Ok(Arc::clone(pidfd)),
            Named::Nothing(_) => Err(Errno::SRCH),
        }
    }

    /// The same, by a descriptor from here on.
    pub(crate) fn hold(self) -> Result<Self, Errno> {
        match self.0 {
            Named::Pid(pid) => Ok(Self(Named::Held(pid, pidfd_open(pid).map(Arc::new)?))),
            _ => Ok(self),
        }
    }

    /// In messages.
    pub(crate) fn name(&self) -> String {
        match &self.0 {
            Named::Pid(pid) | Named::Held(pid, _) => format!("process {pid}"),
            Named::Pidfd(_) => "the process of a descriptor".to_owned(),
            Named::Nothing(message) => message.clone(),
        }
    }
}

impl From<u32> for Target {
    fn from(pid: u32) -> Self {
        Self(Named::Pid(pid))
    }
}

impl From<&str> for Target {
    fn from(pid: &str) -> Self {
        let number = pid.parse().ok().filter(|_| pid.bytes().all(|byte| byte.is_ascii_digit()));
        Self(number.map_or_else(|| Named::Nothing(format!("{pid:?} is no process id")), Named::Pid))
    }
}

impl From<OwnedFd> for Target {
    fn from(pidfd: OwnedFd) -> Self {
        Self(Named::Pidfd(Arc::new(pidfd)))
    }
}

impl From<BorrowedFd<'_>> for Target {
    fn from(pidfd: BorrowedFd<'_>) -> Self {
        Self(match pidfd.try_clone_to_owned() {
            Ok(pidfd) => Named::Pidfd(Arc::new(pidfd)),
            Err(error) => Named::Nothing(format!("a descriptor that cannot be kept: {error}")),
        })
    }
}

impl From<&Process> for Target {
    fn from(process: &Process) -> Self {
        Self::from(process.as_fd())
    }
}
