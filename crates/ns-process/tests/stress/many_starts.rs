//! Many starts at once from threads that allocate.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::common::target::namespaces_of;
use crate::common::{assert_unchanged, mapped, rounds, shell};
use ns_process::{Container, Namespace};
use ns_testbed::Leftovers;

/// Allocates and frees continuously, so that a lock of the allocator is often held.
fn allocate_until(stop: &AtomicBool) {
    let mut kept = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        kept.push(vec![1_u8; 1 + kept.len() * 37 % 5000]);
        if kept.len() > 64 {
            kept.clear();
        }
    }
}

/// Starts programs from `threads` threads; each status must be that of its program.
fn start_all(starts: u32, threads: u32) {
    let (stop, next) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let allocating = [(); 2].map(|()| scope.spawn(|| allocate_until(&stop)));
        let starters: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    while next.load(Ordering::Relaxed) < starts {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let code = i32::try_from(number % 100).expect("small");
                        let mut container = shell(&format!("exit {code}"));
                        if number % 4 == 0 {
                            container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
                        }
                        let status = container.start().expect("start").join().expect("join");
                        assert_eq!(status.code(), Some(code), "start {number}");
                    }
                })
            })
            .collect();
        for starter in starters {
            starter.join().expect("a starter");
        }
        stop.store(true, Ordering::Relaxed);
        // A scope does not wait for the cleanup of libc at the exit of a thread.
        for thread in allocating {
            thread.join().expect("an allocating thread");
        }
    });
}

/// No start hangs, nothing is left, and each status is right.
#[test]
fn b11_starts_from_allocating_threads() {
    ns_testbed::run_as!([Root, User], {
        let starts = rounds(10_000, 400);
        let before = Leftovers::snapshot();
        start_all(starts, 64);
        assert_unchanged(&before);
        println!("shown: {starts} starts from 64 threads and 2 that allocate: every status right");
    });
}

/// A slow start delays no other start.
#[test]
fn e05_a_slow_start_delays_no_other() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut slow = mapped();
        slow.before_go(|_| {
            let (sender, receiver) = channel();
            let others = std::thread::spawn(move || {
                for number in 0..100 {
                    let other = if number % 2 == 0 { mapped() } else { Container::new("true") };
                    assert!(other.status().expect("start").success());
                }
                sender.send(()).expect("send");
            });
            let done = receiver.recv_timeout(Duration::from_secs(60));
            done.map_err(|_| "others wait for this start")?;
            others.join().map_err(|_| "others failed")
        });
        assert!(slow.status().expect("start").success());
    });
}

/// The namespaces of the caller do not change, and it can make threads afterwards.
#[test]
fn b08_b09_the_namespaces_of_the_caller_do_not_change() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = namespaces_of("self");
        let busy = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let allocating = [(); 8].map(|()| scope.spawn(|| allocate_until(&busy)));
            let mut container = Container::new("true");
            container.all().map_zero().mount_proc();
            let status = scope.spawn(move || container.status().expect("start")).join();
            assert!(status.expect("a thread").success());
            busy.store(true, Ordering::Relaxed);
            for thread in allocating {
                thread.join().expect("an allocating thread");
            }
        });
        assert_eq!(namespaces_of("self"), before);
        std::thread::spawn(|| ()).join().expect("a thread");
    });
}
