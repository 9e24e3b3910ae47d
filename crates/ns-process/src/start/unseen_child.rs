//! A child that a process between made after the start had given that one up.
//!
//! One that is past its clone3's last look for signals makes the child although it was killed, and may be off
//! the CPU for any time before the kernel stores the child's id. Only its end tells whether there is one.
#![allow(unsafe_code, reason = "a board on the ground, and the descriptor that clone3 stored")]

use std::os::fd::{FromRawFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::process;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use super::child::kill;
use super::forked;
use super::release::signal;
use super::shared::SharedState;
use crate::in_child::ABORT;

/// How the child of a process between becomes known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Its id and its descriptor are stored.
    ByDescriptor,
    /// Its id alone is, because it is made by fork's copy.
    ByNumber { is_own: bool },
}

/// The child of a process between, as long as the start has not seen it.
#[derive(Debug)]
pub(super) struct Unseen {
    shared: NonNull<SharedState>,
    known: Known,
    /// In a copy of the caller neither the child nor the descriptor is its own.
    caller: u32,
}

impl Unseen {
    /// # Safety
    /// The board stays for as long as this.
    pub(super) unsafe fn new(shared: &SharedState, known: Known) -> Self {
        Self { shared: NonNull::from(shared), known, caller: process::id() }
    }

    /// Kills the child, if there is one; it may take a while to end. The process between has ended, so that no
    /// other child can follow.
    pub(super) fn killed(self) -> Option<OwnedFd> {
        // SAFETY: the word of who made this. All that others write in it is atomic.
        let shared = unsafe { self.shared.as_ref() };
        let pid = shared.pid.load(Ordering::Acquire);
        if pid == 0 || self.caller != process::id() {
            return None;
        }
        signal(&shared.child, ABORT);
        let pidfd = match self.known {
            // SAFETY: the kernel stored both for one child. The start took neither, or this would be gone.
            Known::ByDescriptor => unsafe {
                OwnedFd::from_raw_fd(shared.pidfd.load(Ordering::Acquire))
            },
            Known::ByNumber { is_own } => forked::found(pid, &shared.child, is_own).ok()??,
        };
        kill(pid, &pidfd);
        Some(pidfd)
    }
}
