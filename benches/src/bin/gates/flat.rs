//! A caller with much memory compared with one that has little.

use std::io;
use std::process::ExitCode;

use benches::helper::{self, Helper};
use benches::memory::{GB, resident};
use benches::pairs::{PAIRS, ratios_of_times};
use benches::subjects::{self, FIVE, run};

use crate::measured::Measured;

pub(crate) fn one_gigabyte() -> Measured {
    against_none(1)
}

pub(crate) fn four_gigabytes() -> Measured {
    against_none(4)
}

fn against_none(gigabytes: usize) -> Measured {
    if let Some(reason) = too_little_memory(gigabytes) {
        return Measured::Skipped(reason);
    }
    let start =
        |bytes: usize| Helper::start(&["serve", &bytes.to_string()]).expect("start a helper");
    let (mut large, mut small) = (start(gigabytes * GB), start(0));
    let measure = |helper: &mut Helper| helper.measure().expect("the helper runs");
    Measured::Ratios(ratios_of_times(PAIRS, || measure(&mut large), || measure(&mut small)))
}

/// Returns a reason if this much memory is not available.
pub(crate) fn too_little_memory(gigabytes: usize) -> Option<String> {
    let free = benches::memory::available() / GB;
    // Twice the size, so that the kernel does not reclaim memory during the measurement.
    (free < gigabytes * 2).then(|| format!("needs {gigabytes} GB twice, {free} GB are free"))
}

/// Runs in the helper process.
pub(crate) fn serve(bytes: usize) -> io::Result<ExitCode> {
    let memory = resident(bytes);
    let five = subjects::new(&FIVE);
    helper::serve(|| run(&five))?;
    drop(memory);
    Ok(ExitCode::SUCCESS)
}
