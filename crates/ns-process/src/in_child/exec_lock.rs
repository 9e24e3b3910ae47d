//! A record lock by which the caller sees that the child is leaving the shared memory.
//!
//! The lock belongs to the child's own descriptor table. It is released when exec closes the close-on-exec
//! descriptor, or when the child exits.

use ns_sys::child;
use ns_sys::fd::BorrowedFd;

use super::handshake::{Handshake, Report};
use crate::step::Step;

/// One byte of a file whose descriptor is close-on-exec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExecLock<'a> {
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) byte: u64,
}

/// Takes the lock. No later step may close a descriptor of that file: this would release the lock.
#[inline]
pub(super) fn take(lock: Option<ExecLock<'_>>, handshake: &Handshake) -> Result<(), Report> {
    let Some(lock) = lock else { return Ok(()) };
    // The program may have cleared the close-on-exec flag of every descriptor. Then exec would keep the lock.
    let close_on_exec = child::fcntl_setfd(lock.file, true);
    close_on_exec
        .and_then(|()| child::fcntl_setlk(lock.file, lock.byte))
        .map_err(|errno| Report::new(Step::MemoryLock, errno))?;
    handshake.set_locked();
    Ok(())
}
