//! The pipe ends that running starts have open.
//!
//! A forked child inherits these ends. If it kept them open, as a closure would for as long as it
//! runs, readers of other starts would not see EOF.
#![allow(unsafe_code, reason = "closes descriptors of starts that do not continue in the child")]

use std::ops::{Deref, DerefMut};
use std::os::fd::{OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ns_fs::{Descriptors, FdPlan};
use ns_sys::child::close;

use crate::error::Error;
use crate::settings::stream_error;

static OPEN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

/// The descriptors that a start has opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// `None` only during drop.
    fds: Option<FdPlan>,
    ends: Vec<RawFd>,
}

impl Opened {
    /// Opens the descriptors. The lock excludes a fork between making the pipes and registering
    /// them.
    pub(crate) fn new(name: &str, descriptors: &Descriptors) -> Result<Self, Error> {
        let opened = FdPlan::new_locked(descriptors, || descriptors.has_pipes().then(lock));
        let (fds, mut open) = opened.map_err(|error| stream_error(name, &error))?;
        let ends: Vec<RawFd> = fds.pipe_ends().flat_map(|(own, theirs)| [own, theirs]).collect();
        if let Some(open) = &mut open {
            open.0.extend(&ends);
        }
        Ok(Self { fds: Some(fds), ends })
    }

    /// Takes the caller's ends of the pipes at 0 to 2.
    pub(crate) fn take_pipes(&mut self) -> [Option<OwnedFd>; 3] {
        if self.ends.is_empty() {
            return [None, None, None];
        }
        [0, 1, 2].map(|number| self.take_pipe(number))
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
        // The lock excludes a fork between closing the ends and removing them from the list: their
        // numbers may be reused by other files.
        let mut open = lock();
        self.fds = None;
        open.0.retain(|end| !self.ends.contains(end));
    }
}

/// The locked list of all pipe ends.
pub(super) struct Ends(MutexGuard<'static, Vec<RawFd>>);

impl Ends {
    /// Closes the ends of other starts in the child. Of its `own` pipes, only the child's ends stay
    /// open.
    pub(super) fn close_other_starts(&mut self, own: &[(RawFd, RawFd)]) {
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

/// Closes, in the child, the copy of a descriptor whose owner does not continue there.
pub(super) fn close_copy(end: RawFd) {
    // SAFETY: the owner of the descriptor belongs to a start that only the parent continues. No
    // code of this process uses or drops that owner.
    let _ = unsafe { close(end) };
}
