//! Starting a closure from a program with threads.
#![allow(unsafe_code, reason = "the caller vouches for the closure")]

use std::prelude::rust_2024::*;

use super::start;
use crate::error::Error;
use crate::process::Process;
use crate::settings::Builder;

/// # Start of a closure with threads
///
/// Starts a closure although other threads may hold locks.
impl<Kind> Builder<Kind> {
    /// Starts a closure from a program with threads as well.
    ///
    /// Of the caller's threads only the one that starts lives on in the child. libc repairs its own
    /// locks, the heap's among them, and those of std's stdout and stderr are free, for which the start
    /// waits, stdout first: no thread may hold one of them across a start, or take them the other way
    /// round. Every other lock that another thread held stays held, that of std's stdin and of its
    /// environment among them, and what it was about to change stays half changed.
    ///
    /// As long as the closure lives it has copies of what other threads had open at that moment: of the
    /// pipes of this crate's starts it closes them, of others' not, so that whoever waits for the end of
    /// such a pipe, as std's `Command` with `pre_exec` does, waits for the closure.
    ///
    /// # Errors
    /// As [`start`](Self::start), without [`Step::MultiThreaded`](crate::Step::MultiThreaded).
    ///
    /// # Safety
    /// The closure, and each hook in the child, takes no lock that another thread may hold at that
    /// moment, and reads nothing that another thread may be changing.
    ///
    /// # References
    /// fork(2), signal-safety(7).
    pub unsafe fn start_unchecked(&self) -> Result<Process, Error> {
        start(self.plan()?)
    }
}
