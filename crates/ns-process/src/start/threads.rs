//! Starting a closure from a program with threads.
#![allow(unsafe_code, reason = "declares an unsafe function")]

use std::format;
use std::fs;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::Duration;

use ns_sys::is_shared;

use super::start;
use crate::error::Error;
use crate::plan::Plan;
use crate::process::Process;
use crate::settings::Builder;
use crate::step::Step;

/// The sleep between two checks: a joined thread may still exist for a short time.
const INTERVAL: Duration = Duration::from_millis(1);
const ATTEMPTS: u32 = 20;

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
        start(self.shared_plan()?)
    }
}

/// Fails if the caller has other threads: what they were doing would never be finished in the
/// forked child.
pub(super) fn refuse_threads(plan: &Plan) -> Result<(), Error> {
    let error = Error::new(&plan.name, Step::MultiThreaded);
    for _ in 0..ATTEMPTS {
        match is_shared() {
            Ok(false) => return Ok(()),
            Ok(true) => thread::sleep(INTERVAL),
            Err(errno) => return Err(error.with_errno(errno).with_object("unshare(CLONE_THREAD)")),
        }
    }
    let hint = "start the closure before the threads, use start_unchecked, or start a program";
    Err(error.with_object(thread_count()).with_hint(Some(hint)))
}

/// Whether no other thread may hold a lock of this program.
pub(super) fn is_single_threaded() -> bool {
    is_shared() == Ok(false)
}

fn thread_count() -> String {
    let count = fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if count > 1 { format!("{count} threads") } else { "other threads".to_owned() }
}
