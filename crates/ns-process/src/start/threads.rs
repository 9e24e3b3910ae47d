//! Whether the caller has other threads.

use std::format;
use std::fs;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::Duration;

use ns_sys::is_shared;

use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// The sleep between two checks: a joined thread may still exist for a short time.
const INTERVAL: Duration = Duration::from_millis(1);
const ATTEMPTS: u32 = 20;

/// Fails if the caller has other threads: what they were doing would never be finished in the
/// forked child.
pub(crate) fn refuse_threads(plan: &Plan) -> Result<(), Error> {
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
