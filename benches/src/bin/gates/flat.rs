//! A process with much memory and one with none, turn by turn.

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
    if let Some(reason) = too_little(gigabytes) {
        return Measured::Skipped(reason);
    }
    let start = |bytes: usize| Helper::start(&["serve", &bytes.to_string()]).expect("a helper");
    let (mut large, mut small) = (start(gigabytes * GB), start(0));
    let turn = |helper: &mut Helper| helper.turn().expect("the helper lives");
    Measured::Ratios(ratios_of_times(PAIRS, || turn(&mut large), || turn(&mut small)))
}

/// Why so much memory cannot be had.
pub(crate) fn too_little(gigabytes: usize) -> Option<String> {
    let free = benches::memory::available() / GB;
    // What is measured must not be the kernel looking for memory.
    (free < gigabytes * 2).then(|| format!("needs {gigabytes} GB twice, {free} GB are free"))
}

/// The helper's side.
pub(crate) fn serve(bytes: usize) -> io::Result<ExitCode> {
    let memory = resident(bytes);
    let five = subjects::new(&FIVE);
    helper::serve(|| run(&five))?;
    drop(memory);
    Ok(ExitCode::SUCCESS)
}
