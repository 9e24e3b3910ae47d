//! Concurrent starts from several threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

/// Returns the number of starts per second that `threads` threads make together.
pub fn rate<Start: FnMut()>(threads: u32, starts: u32, starter: impl Fn() -> Start + Sync) -> f64 {
    let next = AtomicU32::new(0);
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut start = starter();
                while next.fetch_add(1, Ordering::Relaxed) < starts {
                    start();
                }
            });
        }
    });
    f64::from(starts) / begin.elapsed().as_secs_f64()
}
