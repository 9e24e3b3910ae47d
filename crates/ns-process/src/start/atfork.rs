//! What must be this thread's when memory is copied: in the copy nobody else gives it back.
#![allow(unsafe_code, reason = "C's stdout, and descriptors of other starts")]

use std::io::{self, StderrLock, StdoutLock, Write};
use std::mem;
use std::os::fd::RawFd;

use super::pipes::{self, Ends};
use super::{dumpable, exec_lock};
use crate::process::{Orphans, orphans};

unsafe extern "C" {
    /// C's own.
    static stdout: *mut libc::FILE;
}

/// Locks, in the order in which they are taken.
pub(super) struct AcrossFork {
    _streams: Option<(StdoutLock<'static>, StderrLock<'static>)>,
    ends: Ends,
    orphans: Orphans,
    holders: dumpable::Lock,
}

impl AcrossFork {
    /// Takes them, with nothing left in the buffers that the child would print again.
    pub(super) fn hold(streams: bool) -> Self {
        Self {
            _streams: streams.then(flushed),
            ends: pipes::lock(),
            orphans: orphans(),
            holders: dumpable::lock(),
        }
    }

    /// The account of the dumpable flag, which does not change until the fork.
    pub(super) fn holders(&self) -> &dumpable::Lock {
        &self.holders
    }

    /// Gives them up in the child, which has no part in what other threads were doing.
    pub(super) fn settle(mut self, own: &[(RawFd, RawFd)]) {
        self.ends.close_those_of_others(own);
        // Not its children.
        mem::take(&mut *self.orphans).into_iter().for_each(mem::forget);
        dumpable::forget(&mut self.holders);
        exec_lock::forget();
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
    // SAFETY: libc's own, set before main.
    let file = unsafe { stdout };
    // SAFETY: a stream of libc's; a program that has closed it has broken C's rules. Null means all streams.
    unsafe { libc::fflush(file) };
}
