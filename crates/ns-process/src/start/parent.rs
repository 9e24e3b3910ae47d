//! How a waiting child detects that the thread that started it has exited.
#![allow(unsafe_code, reason = "prctl that stores an address, and the word at that address")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_fs::FdPlan;
use ns_sys::{Errno, child, pidfd_open, pidfd_open_thread};

use crate::in_child::ParentWatch;

/// `PR_GET_TID_ADDRESS` of include/uapi/linux/prctl.h.
const PR_GET_TID_ADDRESS: u32 = 40;

/// The calling thread, in a form that a child in its memory can watch.
///
/// The child watches two things, because each has a gap. A pidfd of the thread group leader passes
/// to another thread that executes a program, and does not report that; before Linux 6.9, only a
/// pidfd of the process exists. The word that the kernel clears when the thread leaves the memory
/// is libc's, and musl registers a different one; before Linux 5.16, the kernel does not clear it
/// when the process dumps core.
pub(super) struct ParentThread {
    /// The pidfd; `None` if pidfd_open(2) is not available.
    pidfd: Option<OwnedFd>,
    tid: u32,
    word: *const AtomicU32,
}

impl ParentThread {
    pub(super) fn new() -> Result<Self, Errno> {
        let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        let pidfd = match pidfd_open_thread(tid) {
            // The kernel is older than Linux 6.9.
            Err(Errno::INVAL) => pidfd_open(std::process::id()),
            pidfd => pidfd,
        };
        let word = tid_word(tid);
        match pidfd {
            Err(Errno::NOSYS | Errno::PERM) if !word.is_null() => {
                Ok(Self { pidfd: None, tid, word })
            }
            pidfd => Ok(Self { pidfd: Some(pidfd?), tid, word }),
        }
    }

    /// The number of the pidfd, if there is one.
    pub(super) fn raw_fd(&self) -> Option<RawFd> {
        self.pidfd.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// libc's word with the ID of this thread, if libc has one. In copied memory, the word at this
    /// address is the copy's own.
    pub(super) fn word(&self) -> Option<&AtomicU32> {
        // SAFETY: the word is libc's and lives as long as the thread. Only that thread calls this,
        // as `ParentThread` is not `Send`.
        unsafe { self.word.as_ref() }
    }

    /// Moves the pidfd to a number that is at least `lowest` and that the steps of `fds` do not
    /// overwrite.
    pub(super) fn apart(mut self, fds: &FdPlan, lowest: RawFd) -> Result<Self, Errno> {
        let pidfd = self.pidfd.map(|pidfd| fds.apart(pidfd, lowest)).transpose();
        self.pidfd = pidfd.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?;
        Ok(self)
    }

    /// What the child watches. In copied memory, the word is left out: the kernel does not clear
    /// the copy.
    pub(super) fn watch(&self, copied: bool) -> ParentWatch<'_> {
        let word = if copied { ptr::null() } else { self.word };
        ParentWatch { pidfd: self.pidfd.as_ref().map(AsFd::as_fd), tid: self.tid, word }
    }
}

/// The word that the kernel clears when this thread exits; null if it does not hold the thread's
/// ID.
fn tid_word(tid: u32) -> *const AtomicU32 {
    let mut word: *const AtomicU32 = ptr::null();
    let slot = (&raw mut word).expose_provenance();
    // SAFETY: the option stores one pointer at `slot`, which is the address of a local pointer.
    let result = unsafe { child::prctl(PR_GET_TID_ADDRESS, [slot, 0, 0, 0]) };
    if result.is_err() || word.is_null() {
        return ptr::null();
    }
    // SAFETY: libc registered this address with the kernel, for a word that lives as long as the
    // thread, which is the current one.
    let value = unsafe { &*word }.load(Ordering::Relaxed);
    if value == tid { word } else { ptr::null() }
}
