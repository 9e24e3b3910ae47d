//! A record lock that proves when the child has left the caller's memory.

use ns_sys::child;
use ns_sys::fd::BorrowedFd;

use super::handshake::{Handshake, Report};
use crate::step::Step;

/// One byte of a file that is close-on-exec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExecLock<'a> {
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) byte: u64,
}

/// Takes it. No later step closes a descriptor of that file, which would end the lock.
pub(super) fn take(lock: Option<ExecLock<'_>>, handshake: &Handshake) -> Result<(), Report> {
    let Some(lock) = lock else { return Ok(()) };
    // A program may have cleared the flag of every descriptor. Then exec would not end the lock.
    let closed = child::fcntl_setfd(lock.file, true);
    closed
        .and_then(|()| child::fcntl_setlk(lock.file, lock.byte))
        .map_err(|errno| Report::new(Step::MemoryLock, errno))?;
    handshake.set_locked();
    Ok(())
}
