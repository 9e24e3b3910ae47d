//! Starts in a program whose other threads never rest.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use benches::pairs::ratios;
use benches::subjects::{self, FIVE, run};

use crate::against_floor::floor;
use crate::measured::Measured;

/// Besides the one that starts.
const THREADS: usize = 63;

/// Each turn waits for its share of the processors.
const PAIRS: usize = 60;

/// Beside threads that allocate without pause.
pub(crate) fn busy() -> Measured {
    let (mut floor, five) = (floor(&FIVE), subjects::new(&FIVE));
    let stop = AtomicBool::new(false);
    let ratios = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    black_box(vec![1_u8; 100]);
                }
            });
        }
        let ratios = ratios(PAIRS, || run(&five), || floor.start_join());
        stop.store(true, Ordering::Relaxed);
        ratios
    });
    Measured::Ratios(ratios)
}
