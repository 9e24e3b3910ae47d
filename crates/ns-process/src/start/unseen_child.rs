//! A child that an intermediate process made after the start had given up.
//!
//! If the intermediate process is past the last signal check of its clone3, it makes the child
//! although it was killed, and may be scheduled out for any time before the kernel stores the
//! child's process ID. Only its exit shows whether there is a child.
#![allow(unsafe_code, reason = "a pointer to the shared state, and the pidfd that clone3 stored")]

use std::os::fd::{FromRawFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::process;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use super::by_pid::{kill, open_pidfd};
use super::shared::SharedState;

/// What the kernel stores about the child of an intermediate process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// The process ID and the pidfd.
    PidAndPidfd,
    /// Only the process ID, because a forked intermediate process makes the child.
    Pid { is_own: bool },
}

/// The child of an intermediate process, as long as the start has not seen it.
#[derive(Debug)]
pub(super) struct UnseenChild {
    shared: NonNull<SharedState>,
    stored: Stored,
    /// The process ID of the caller. In a forked child of the caller, neither the child nor the
    /// pidfd is its own.
    caller: u32,
}

impl UnseenChild {
    /// # Safety
    /// `shared` is valid when [`killed`](Self::killed) is called.
    pub(super) unsafe fn new(shared: &SharedState, stored: Stored) -> Self {
        Self { shared: NonNull::from(shared), stored, caller: process::id() }
    }

    /// Kills the child, if there is one, and returns its pidfd. The child may take a while to exit.
    /// The intermediate process must have exited, so that it makes no other child.
    pub(super) fn killed(self) -> Option<OwnedFd> {
        // SAFETY: the caller of `new` guarantees that the state is valid now. Every field that
        // another process or the kernel writes is atomic.
        let shared = unsafe { self.shared.as_ref() };
        let pid = shared.pid.load(Ordering::Acquire);
        if pid == 0 || self.caller != process::id() {
            return None;
        }
        shared.child.abort();
        let pidfd = match self.stored {
            // SAFETY: the kernel stored both for the same child, so the pidfd is open. The start
            // has not taken it, or `child_found` would have removed this value.
            Stored::PidAndPidfd => unsafe {
                OwnedFd::from_raw_fd(shared.pidfd.load(Ordering::Acquire))
            },
            Stored::Pid { is_own } => open_pidfd(pid, &shared.child, is_own).ok()??,
        };
        kill(pid, &pidfd);
        Some(pidfd)
    }
}
