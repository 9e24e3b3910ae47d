//! Moves of the child to cgroups.

use ns_sys::child;
use ns_sys::fd::BorrowedFd;

use super::handshake::Report;
use crate::step::Step;

/// Writes to each file `tasks` of version 1. `0` is the calling thread: only for this move the kernel does not have to
/// stop the creation of threads everywhere.
#[inline]
pub(super) fn enter(tasks: &[BorrowedFd<'_>]) -> Result<(), Report> {
    for (index, file) in (0..).zip(tasks) {
        let written = child::write(*file, b"0");
        written.map_err(|errno| Report { step: Step::CgroupTasks, errno, index })?;
    }
    Ok(())
}
