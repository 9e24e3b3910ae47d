//! Many starts at once, from threads that allocate.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use common::shell;
use ns_process::{Container, Namespace};
use ns_testbed::Leftovers;

/// A thread that allocates and frees without pause, so that some lock of the allocator is always held.
fn churn(stop: &AtomicBool) {
    let mut kept = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        kept.push(vec![1_u8; 1 + kept.len() * 37 % 5000]);
        if kept.len() > 64 {
            kept.clear();
        }
    }
}

/// Starts from `threads` threads; every status is its own program's.
fn start_all(starts: u32, threads: u32) {
    let (stop, next) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let churning = [(); 2].map(|()| scope.spawn(|| churn(&stop)));
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
        // The end of the scope does not wait for what libc does at a thread's end.
        for thread in churning {
            thread.join().expect("an allocating thread");
        }
    });
}

/// No hang, no zombie, no descriptor, and every status right.
#[test]
fn b11_starts_from_allocating_threads() {
    ns_testbed::run_as!([Root, User], {
        let starts = if std::env::var_os("NS_PROVE").is_some() { 10_000 } else { 400 };
        let before = Leftovers::snapshot();
        start_all(starts, 64);
        common::assert_unchanged(&before);
        println!(
            "shown: {starts} starts from 64 threads beside 2 that allocate: every status right"
        );
    });
}

/// A start that takes long holds up nobody else's: no descriptor of it is waited for, and no lock.
#[test]
fn e05_nobody_waits_for_another_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut late = mapped();
        late.before_go(|_| {
            let (tell, told) = channel();
            let others = std::thread::spawn(move || {
                for number in 0..100 {
                    let other = if number % 2 == 0 { mapped() } else { Container::new("true") };
                    assert!(other.status().expect("start").success());
                }
                tell.send(()).expect("somebody waits");
            });
            let ended = told.recv_timeout(Duration::from_secs(60));
            ended.map_err(|_| "others wait for this start")?;
            others.join().map_err(|_| "others failed")
        });
        assert!(late.status().expect("start").success());
    });
}

fn mapped() -> Container {
    let mut container = Container::new("true");
    container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
    container
}

/// The caller's namespaces are its own before and after, and threads can be made.
#[test]
fn b08_b09_the_caller_stays_where_it_is() {
    ns_testbed::run_as!([Root, User, Nested], {
        let kinds = Namespace::ALL.map(|kind| format!("/proc/self/ns/{}", kind.name()));
        let links = || kinds.each_ref().map(|path| std::fs::read_link(path).ok());
        let before = links();
        let busy = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let churning = [(); 8].map(|()| scope.spawn(|| churn(&busy)));
            let mut container = Container::new("true");
            container.all().map_zero().mount_proc();
            let status = scope.spawn(move || container.status().expect("start")).join();
            assert!(status.expect("a thread").success());
            busy.store(true, Ordering::Relaxed);
            for thread in churning {
                thread.join().expect("an allocating thread");
            }
        });
        assert_eq!(links(), before);
        std::thread::spawn(|| ()).join().expect("a thread");
    });
}
