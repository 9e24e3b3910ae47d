//! Many starts from a pool whose parked processes are killed now and then, and many parked processes.

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{assert_unchanged, eventually, rounds};
use ns_process::{Container, Errno, Namespace, Payload, Pool, Signal};
use ns_testbed::Leftovers;
use rustix::process::{Pid, kill_process};

fn container(program: &str) -> Container {
    let mut container = Container::new(program);
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Uts]).map_zero();
    container
}

/// Every start gets the status of its own payload, although one of twenty processes of the pool is killed, most of them
/// while they are parked.
#[test]
fn no_start_from_a_pool_is_lost_beside_killed_processes() {
    ns_testbed::run_as!([Root, User], {
        const THREADS: u32 = 8;
        let starts = rounds(100_000, 800);
        let before = Leftovers::snapshot();
        let made = Arc::new(AtomicU32::new(0));
        let killed = Arc::new(Mutex::new(HashSet::new()));
        let mut container = container("sh");
        let ended = Arc::new(AtomicU32::new(0));
        let (count, victims, ends) = (Arc::clone(&made), Arc::clone(&killed), Arc::clone(&ended));
        container.before_go(move |child| {
            // The other threads start those that the pool misses.
            let is_pool = std::thread::current().name() == Some("ns-pool");
            if is_pool && count.fetch_add(1, Ordering::Relaxed) % 20 == 19 {
                let pid = child.pid();
                victims.lock().expect("unpoisoned").insert(pid);
                // The process is a child that is not reaped before it is taken.
                let ends = Arc::clone(&ends);
                let kill = move || {
                    std::thread::sleep(Duration::from_millis(5));
                    let pid = Pid::from_raw(i32::try_from(pid).expect("a process ID"));
                    let _ = kill_process(pid.expect("not 0"), rustix::process::Signal::KILL);
                    ends.fetch_add(1, Ordering::Relaxed);
                };
                std::thread::spawn(kill);
            }
            Ok::<_, String>(())
        });
        let pool = Pool::new(container, 64).expect("a pool");
        eventually("some are killed while they are parked", || ended.load(Ordering::Relaxed) >= 2);
        let (next, late) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while next.load(Ordering::Relaxed) < starts {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let code = i32::try_from(number % 100).expect("small");
                        let mut payload = Payload::new();
                        payload.args(["-c", &format!("exit {code}")]);
                        let process = pool.start(&payload).expect("start");
                        let status = process.join().expect("join");
                        if status.signal() == Some(Signal::KILL.as_raw()) {
                            let victims = killed.lock().expect("unpoisoned");
                            assert!(victims.contains(&process.pid()), "start {number}: killed");
                            late.fetch_add(1, Ordering::Relaxed);
                        } else {
                            assert_eq!(status.code(), Some(code), "start {number}");
                        }
                    }
                });
            }
        });
        let stats = pool.stats();
        drop(pool);
        eventually("all are killed", || {
            ended.load(Ordering::Relaxed) == made.load(Ordering::Relaxed) / 20
        });
        assert_unchanged(&before);
        println!(
            "shown: {starts} starts from a pool of 64 by {THREADS} threads, {} processes killed, {} of \
             them killed after their exec, every other status right: {stats:?}",
            ended.load(Ordering::Relaxed),
            late.load(Ordering::Relaxed),
        );
        assert!(stats.died > 0, "{stats:?}");
    });
}

/// Processes are parked until a limit of the machine, which the error names; all can be released, and nothing is left.
#[test]
fn many_processes_are_parked_at_once() {
    ns_testbed::run_as!([Root], {
        let wanted = rounds(10_000, 300);
        let before = Leftovers::snapshot();
        let container = container("true");
        let mut parked = Vec::new();
        while parked.len() < wanted {
            match container.start_parked() {
                Ok(process) => parked.push(process),
                Err(error) => {
                    let limits = [Errno::MFILE, Errno::AGAIN, Errno::NOSPC, Errno::NOMEM];
                    assert!(error.errno().is_some_and(|errno| limits.contains(&errno)), "{error}");
                    assert!(
                        error.to_string().contains("RLIMIT_") || error.hint().is_some(),
                        "{error}"
                    );
                    println!("shown: {error}");
                    break;
                }
            }
        }
        let count = parked.len();
        let pairs = parked.drain(..).enumerate();
        for (number, process) in pairs.filter(|(number, _)| number % 10 == 0) {
            let status = process.release().expect("release").join().expect("join");
            assert!(status.success(), "{number}");
        }
        assert_unchanged(&before);
        println!("shown: {count} processes were parked at once");
    });
}
