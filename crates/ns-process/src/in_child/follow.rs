//! Going where the process is whose namespaces were entered.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, child};

use super::words::Report;
use crate::step::Step;

/// Its directories, open already: no path is resolved inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follow<'a> {
    pub(crate) root: BorrowedFd<'a>,
    pub(crate) workdir: BorrowedFd<'a>,
}

pub(super) fn follow(wish: Option<Follow<'_>>) -> Result<(), Report> {
    let Some(wish) = wish else { return Ok(()) };
    go(wish).map_err(|errno| Report::new(Step::FollowRoot, errno))
}

fn go(wish: Follow<'_>) -> Result<(), Errno> {
    child::fchdir(wish.root)?;
    child::chroot(c".")?;
    child::fchdir(wish.workdir)
}
