//! The ends of pipes that starts have open, while they do.
//!
//! A forked child inherits these ends. While it runs, as a closure does, readers of other starts would never
//! see an end.
#![allow(unsafe_code, reason = "closing what starts own, in a process where they do not go on")]

use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ns_fs::FdPlan;
use ns_sys::child::close;

use crate::error::Error;
use crate::plan::Plan;

static OPEN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

/// What a start opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// `None` only while it is dropped.
    fds: Option<FdPlan>,
    ends: Vec<RawFd>,
}

impl Opened {
    /// No fork between making pipes and noting them.
    pub(super) fn new(plan: &Plan) -> Result<Self, Error> {
        let has_pipes = plan.streams.has_pipes();
        let (fds, mut open) = plan.streams.open(&plan.name, || has_pipes.then(lock))?;
        let ends: Vec<RawFd> = fds.pipe_ends().flat_map(|(own, theirs)| [own, theirs]).collect();
        if let Some(open) = &mut open {
            open.0.extend(&ends);
        }
        Ok(Self { fds: Some(fds), ends })
    }
}

impl Deref for Opened {
    type Target = FdPlan;

    fn deref(&self) -> &FdPlan {
        self.fds.as_ref().expect("taken by drop alone")
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut FdPlan {
        self.fds.as_mut().expect("taken by drop alone")
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        // No fork between closing and forgetting: the number may be another file's next.
        let mut open = lock();
        self.fds = None;
        open.0.retain(|end| !self.ends.contains(end));
    }
}

/// All of them.
pub(super) struct Ends(MutexGuard<'static, Vec<RawFd>>);

impl Ends {
    /// In the child: leaves its own ends of its `own` pipes.
    pub(super) fn close_those_of_others(&mut self, own: &[(RawFd, RawFd)]) {
        for end in self.0.drain(..) {
            if own.iter().all(|(_, theirs)| *theirs != end) {
                close_copy(end);
            }
        }
    }
}

pub(super) fn lock() -> Ends {
    Ends(OPEN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// In the child: closes the copy of a descriptor whose owner does not go on here.
pub(super) fn close_copy(end: RawFd) {
    // SAFETY: its owner is the plan of a start, which no code of this process leads back to.
    let _ = unsafe { close(end) };
}
