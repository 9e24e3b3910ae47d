//! Concurrent starts from several threads.

use benches::starters::rate;
use benches::subjects::{FIVE, new, run};

use crate::against_floor::floor;
use crate::measured::Measured;

const STARTS: u32 = 1000;

/// Compares the gain of 8 threads over 1 thread with the same gain of the raw floor.
pub(crate) fn gain() -> Measured {
    let our_rate = |threads| {
        rate(threads, STARTS, || {
            let five = new(&FIVE);
            move || run(&five)
        })
    };
    let floor_rate = |threads| {
        rate(threads, STARTS, || {
            let mut floor = floor(&FIVE);
            move || floor.start_join()
        })
    };
    let gain = |_| (our_rate(8) / our_rate(1)) / (floor_rate(8) / floor_rate(1));
    Measured::Ratios((0..3).map(gain).collect())
}
