//! The mount namespace in which a plan is applied.

use ns_sys::child::{self, OFlags};
use ns_sys::fd::AsFd;
use ns_sys::{UnshareFlags, unshare};

use super::handle::{CWD, open_path};
use crate::{Step, StepError};

/// The mount on which `/` lies; `None` if it is unknown. Each mount namespace has its own mounts.
pub(crate) fn root_mount() -> Option<u64> {
    let root = open_path(CWD, c"/", OFlags::DIRECTORY).ok()?;
    child::file_id(root.as_fd()).ok()?.mount
}

/// `unshare(CLONE_NEWNS)`, if `/` is on this mount or that cannot be known.
pub(crate) fn own_namespace(root: Option<u64>) -> Result<(), StepError> {
    let present = root_mount();
    if present.is_some() && present != root {
        return Ok(());
    }
    unshare(UnshareFlags::NEWNS).map_err(Step::Namespace.failed())
}
