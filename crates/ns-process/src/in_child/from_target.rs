//! Takes over the root and working directory of the process whose namespaces were joined.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, child};

use super::handshake::Report;
use crate::step::Step;

/// Descriptors of the directories, opened before the join: no path is resolved in the target's namespaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromTarget<'a> {
    pub(crate) root: BorrowedFd<'a>,
    pub(crate) workdir: BorrowedFd<'a>,
}

#[inline]
pub(super) fn change_root(config: Option<FromTarget<'_>>) -> Result<(), Report> {
    let Some(config) = config else { return Ok(()) };
    change(config).map_err(|errno| Report::new(Step::FollowRoot, errno))
}

fn change(config: FromTarget<'_>) -> Result<(), Errno> {
    child::fchdir(config.root)?;
    child::chroot(c".")?;
    child::fchdir(config.workdir)
}
