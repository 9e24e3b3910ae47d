//! Starting a closure from a program with threads.
#![allow(unsafe_code, reason = "declares an unsafe function")]

use std::prelude::rust_2024::*;

use super::start;
use crate::error::Error;
use crate::process::Process;
use crate::settings::Builder;

/// # Start of a closure with threads
///
/// Starts a closure although other threads may hold locks.
impl<Kind> Builder<Kind> {
    /// Starts a closure, even if the program has other threads.
    ///
    /// In the child, only the calling thread exists. libc makes its own locks usable there,
    /// including those of the heap. The locks of std's stdout and stderr are free too: the start
    /// waits for them, stdout first, so no thread may hold one of them across a start, or acquire
    /// them in the other order. Every other lock that another thread held stays locked, including
    /// those of std's stdin and of std's environment, and data that a thread was changing stays
    /// half changed.
    ///
    /// While the closure runs, it has copies of the descriptors that other threads had open at the
    /// moment of the fork. It closes those of pipes that starts of this crate made, but no others.
    /// A reader that waits for EOF on such a pipe, as std's `Command` with `pre_exec` does, waits
    /// until the closure has ended.
    ///
    /// # Errors
    /// As [`start`](Self::start), without [`Step::MultiThreaded`](crate::Step::MultiThreaded).
    ///
    /// # Safety
    /// The closure and each hook in the child acquire no lock that another thread may hold at the
    /// moment of the fork, and read nothing that another thread may be changing.
    ///
    /// # References
    /// fork(2), signal-safety(7).
    pub unsafe fn start_unchecked(&self) -> Result<Process, Error> {
        start(self.plan()?)
    }
}
