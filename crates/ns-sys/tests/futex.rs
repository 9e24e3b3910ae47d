//! Waiting on a word across threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::{Errno, futex};

#[test]
fn a_changed_word_does_not_sleep() {
    let word = AtomicU32::new(1);
    assert_eq!(futex::wait(&word, 0, None), Err(Errno::AGAIN));
}

#[test]
fn the_limit_holds() {
    let (word, begin) = (AtomicU32::new(0), Instant::now());
    assert_eq!(futex::wait(&word, 0, Some(Duration::from_millis(20))), Err(Errno::TIMEDOUT));
    assert!(begin.elapsed() >= Duration::from_millis(20));
}

#[test]
fn wake_wakes_as_many_as_told() {
    let word = AtomicU32::new(0);
    assert_eq!(futex::wake(&word, 1), Ok(0));
    assert_eq!(futex::wake(&word, u32::MAX), Err(Errno::INVAL));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            while word.load(Ordering::Acquire) == 0 {
                let waited = futex::wait(&word, 0, Some(Duration::from_secs(10)));
                assert_ne!(waited, Err(Errno::TIMEDOUT), "nobody woke it");
            }
        });
        while futex::wake(&word, 1) == Ok(0) {
            thread::yield_now();
        }
        word.store(1, Ordering::Release);
        let _ = futex::wake(&word, 1);
        waiter.join().expect("join");
    });
}
