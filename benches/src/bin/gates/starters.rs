//! Threads that start at once.

use benches::starters::rate;
use benches::subjects::{FIVE, new, run};

use crate::against_floor::floor;
use crate::measured::Measured;

const STARTS: u32 = 1000;

/// How much more 8 threads start than one, against how much more the floor starts.
pub(crate) fn gain() -> Measured {
    let ours = |threads| {
        rate(threads, STARTS, || {
            let five = new(&FIVE);
            move || run(&five)
        })
    };
    let theirs = |threads| {
        rate(threads, STARTS, || {
            let mut floor = floor(&FIVE);
            move || floor.start_join()
        })
    };
    let gain = |_| (ours(8) / ours(1)) / (theirs(8) / theirs(1));
    Measured::Ratios((0..3).map(gain).collect())
}
