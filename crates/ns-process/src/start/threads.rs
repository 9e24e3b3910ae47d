//! Whether the caller is alone in its program.

use std::format;
use std::fs;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::Duration;

use ns_sys::is_shared;

use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// A thread that was joined may still be there for a moment.
const MOMENT: Duration = Duration::from_millis(1);
const MOMENTS: u32 = 20;

/// Refuses a caller with threads: what they were doing would never be finished in a copy.
pub(crate) fn refuse_threads(plan: &Plan) -> Result<(), Error> {
    let error = Error::new(&plan.name, Step::MultiThreaded);
    for _ in 0..MOMENTS {
        match is_shared() {
            Ok(false) => return Ok(()),
            Ok(true) => thread::sleep(MOMENT),
            Err(errno) => return Err(error.with_errno(errno).with_object("unshare(CLONE_THREAD)")),
        }
    }
    let hint = "start a closure before the threads, or by start_unchecked, or a program";
    Err(error.with_object(counted()).with_hint(Some(hint)))
}

/// Whether nobody else holds a lock of this program's.
pub(super) fn is_alone() -> bool {
    is_shared() == Ok(false)
}

fn counted() -> String {
    let count = fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if count > 1 { format!("{count} threads") } else { "other threads".to_owned() }
}
