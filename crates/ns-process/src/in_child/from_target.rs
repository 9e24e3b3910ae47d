//! Going where the process is whose namespaces were entered.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, child};

use super::handshake::Report;
use crate::step::Step;

/// Its directories, open already: no path is resolved inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromTarget<'a> {
    pub(crate) root: BorrowedFd<'a>,
    pub(crate) workdir: BorrowedFd<'a>,
}

pub(super) fn from_target(config: Option<FromTarget<'_>>) -> Result<(), Report> {
    let Some(config) = config else { return Ok(()) };
    go(config).map_err(|errno| Report::new(Step::FollowRoot, errno))
}

fn go(config: FromTarget<'_>) -> Result<(), Errno> {
    child::fchdir(config.root)?;
    child::chroot(c".")?;
    child::fchdir(config.workdir)
}
