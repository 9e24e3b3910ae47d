//! Starts in a process with many busy threads.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use benches::pairs::ratios;
use benches::subjects::{self, FIVE, run};

use crate::against_floor::floor;
use crate::measured::Measured;

/// The number of threads in addition to the one that starts.
const THREADS: usize = 63;

/// Few pairs, because each start waits for the processor.
const PAIRS: usize = 60;

/// Measures while the other threads allocate without pause.
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
