//! Locks that the forking thread holds during a fork, as pthread_atfork(3) does: no other thread
//! exists in the child to release them.
#![allow(unsafe_code, reason = "flushes C's stdout")]

use std::io::{self, StderrLock, StdoutLock, Write};
use std::mem;
use std::os::fd::RawFd;

use super::pipes::{self, Ends};
use super::{dumpable, exec_lock};
use crate::process::{Orphans, orphans};

unsafe extern "C" {
    /// C's standard output stream.
    static stdout: *mut libc::FILE;
}

/// The locks, in the order of acquisition.
pub(super) struct AtFork {
    _streams: Option<(StdoutLock<'static>, StderrLock<'static>)>,
    ends: Ends,
    orphans: Orphans,
    holders: dumpable::Lock,
}

impl AtFork {
    /// Acquires the locks. With `streams`, includes stdout and stderr, and flushes stdout so that
    /// the child does not print the buffered text again.
    pub(super) fn prepare(streams: bool) -> Self {
        Self {
            _streams: streams.then(flushed),
            ends: pipes::lock(),
            orphans: orphans(),
            holders: dumpable::lock(),
        }
    }

    /// The lock on the dumpable flag, which is held until the fork.
    pub(super) fn dumpable_lock(&self) -> &dumpable::Lock {
        &self.holders
    }

    /// Releases the locks in the child, and drops the state of other threads: `own` are the pipes
    /// of this start.
    pub(super) fn child(mut self, own: &[(RawFd, RawFd)]) {
        self.ends.close_other_starts(own);
        // The orphans are children of the parent, not of this process.
        mem::take(&mut *self.orphans).into_iter().for_each(mem::forget);
        dumpable::reset_in_child(&mut self.holders);
        exec_lock::reset_in_child();
    }
}

fn flushed() -> (StdoutLock<'static>, StderrLock<'static>) {
    let mut lock = io::stdout().lock();
    let _ = lock.flush();
    flush_c();
    (lock, io::stderr().lock())
}

/// Flushes C's stdout.
pub(super) fn flush_c() {
    // SAFETY: libc sets `stdout` before main, and this only reads the pointer.
    let file = unsafe { stdout };
    // SAFETY: `file` is a valid stream unless the program has closed it, which C forbids; null is
    // allowed and means all streams.
    unsafe { libc::fflush(file) };
}
