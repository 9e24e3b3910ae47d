//! Session, process group, terminal, and the death of the parent.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use ns_sys::Signal;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// `None`: a new one unless a terminal is passed.
    pub(crate) new: Option<bool>,
    pub(crate) group: Option<u32>,
    pub(crate) terminal: Option<Arc<OwnedFd>>,
    pub(crate) die_with_parent: Option<Signal>,
}
