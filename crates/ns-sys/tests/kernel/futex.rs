//! Wait on a futex word, and wake another thread.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::{Errno, futex};

#[test]
fn wait_does_not_block_on_a_changed_word() {
    let word = AtomicU32::new(1);
    assert_eq!(futex::wait(&word, 0, None), Err(Errno::AGAIN));
}

#[test]
fn wait_times_out() {
    let (word, begin) = (AtomicU32::new(0), Instant::now());
    assert_eq!(futex::wait(&word, 0, Some(Duration::from_millis(20))), Err(Errno::TIMEDOUT));
    assert!(begin.elapsed() >= Duration::from_millis(20));
}

#[test]
fn wake_returns_the_number_of_woken_waiters() {
    let word = AtomicU32::new(0);
    assert_eq!(futex::wake(&word, 1), Ok(0));
    assert_eq!(futex::wake(&word, u32::MAX), Err(Errno::INVAL));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            while word.load(Ordering::Acquire) == 0 {
                let waited = futex::wait(&word, 0, Some(Duration::from_secs(10)));
                assert_ne!(waited, Err(Errno::TIMEDOUT), "no wakeup");
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
