//! How a waiting child sees that the thread that started it is gone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ns_sys::Errno;

/// A descriptor of the calling thread, which the child's copy of the table holds too.
///
/// Of the thread and not of the process: the process lives on when another thread executes a
/// program, and nobody would say go any more.
pub(super) struct Starter(OwnedFd);

impl Starter {
    pub(super) fn new() -> Result<Self, Errno> {
        let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        match ns_sys::pidfd_open_thread(tid) {
            // Before Linux 6.9.
            Err(Errno::INVAL) => ns_sys::pidfd_open(std::process::id()).map(Self),
            pidfd => pidfd.map(Self),
        }
    }

    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
