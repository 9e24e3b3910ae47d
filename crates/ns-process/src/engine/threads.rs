//! Whether the caller is alone in its program.

use std::format;
use std::fs;
use std::prelude::rust_2024::*;
use std::string::ToString;
use std::thread;
use std::time::Duration;

use ns_sys::Errno;

use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// A thread that was joined may still be seen for a moment.
const MOMENT: Duration = Duration::from_millis(1);
const MOMENTS: u32 = 20;

/// Refuses a caller with threads: what they were doing would never be finished in a copy.
pub(crate) fn refuse_threads(plan: &Plan) -> Result<(), Error> {
    let mut threads = count(plan)?;
    for _ in 0..MOMENTS {
        if threads == 1 {
            return Ok(());
        }
        thread::sleep(MOMENT);
        threads = count(plan)?;
    }
    Err(Error::new(&plan.name, Step::MultiThreaded)
        .with_object(format!("{threads} threads"))
        .with_hint(Some("start a closure before the threads, or by start_unchecked, or a program")))
}

fn count(plan: &Plan) -> Result<usize, Error> {
    let folder = plan.maps.proc.join("self/task");
    let listed = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    listed.map(|tasks| tasks.len()).map_err(|error| {
        Error::new(&plan.name, Step::MultiThreaded)
            .with_errno(Errno::from_io_error(&error).unwrap_or(Errno::IO))
            .with_object(folder.display().to_string())
    })
}
