//! How a waiting child sees that the thread that started it is gone.
#![allow(unsafe_code, reason = "prctl that stores an address, and the word that is there")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_fs::FdPlan;
use ns_sys::{Errno, child, pidfd_open, pidfd_open_thread};

use crate::in_child::ParentWatch;

/// `PR_GET_TID_ADDRESS` of include/uapi/linux/prctl.h.
const PR_GET_TID_ADDRESS: u32 = 40;

/// The calling thread, as a child in its memory may watch it.
///
/// By two means, because each has a gap. The descriptor of the thread that leads the process goes on
/// to another thread that executes a program, and tells of nothing; before Linux 6.9 there is only
/// the process's. The word that the kernel clears when the thread leaves the memory is libc's, and
/// on musl another; before Linux 5.16 it is not cleared when the process dumps core.
pub(super) struct ParentThread {
    /// `None` where pidfd_open(2) is missing.
    pidfd: Option<OwnedFd>,
    tid: u32,
    word: *const AtomicU32,
}

impl ParentThread {
    pub(super) fn new() -> Result<Self, Errno> {
        let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        let pidfd = match pidfd_open_thread(tid) {
            // Before Linux 6.9.
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

    /// The descriptor, if there is one.
    pub(super) fn number(&self) -> Option<RawFd> {
        self.pidfd.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// libc's word for this thread's id, where it has one: in a copy of memory its own.
    pub(super) fn word(&self) -> Option<&AtomicU32> {
        // SAFETY: libc's, for as long as the thread lives, which is the one that asks.
        unsafe { self.word.as_ref() }
    }

    /// At a number from `lowest` on that the moves of `fds` do not overwrite.
    pub(super) fn apart(mut self, fds: &FdPlan, lowest: RawFd) -> Result<Self, Errno> {
        let pidfd = self.pidfd.map(|pidfd| fds.apart(pidfd, lowest)).transpose();
        self.pidfd = pidfd.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?;
        Ok(self)
    }

    /// In copied memory the word is a copy, which nobody clears.
    pub(super) fn watch(&self, copied: bool) -> ParentWatch<'_> {
        let word = if copied { ptr::null() } else { self.word };
        ParentWatch { pidfd: self.pidfd.as_ref().map(AsFd::as_fd), tid: self.tid, word }
    }
}

/// The word that the kernel clears at this thread's end, if it is one that holds the thread's id.
fn tid_word(tid: u32) -> *const AtomicU32 {
    let mut word: *const AtomicU32 = ptr::null();
    let slot = (&raw mut word).expose_provenance();
    // SAFETY: the option stores one pointer into `slot`.
    let told = unsafe { child::prctl(PR_GET_TID_ADDRESS, [slot, 0, 0, 0]) };
    if told.is_err() || word.is_null() {
        return ptr::null();
    }
    // SAFETY: libc gave the kernel this address of a word of its own, for as long as the thread lives.
    let holds = unsafe { &*word }.load(Ordering::Relaxed);
    if holds == tid { word } else { ptr::null() }
}
