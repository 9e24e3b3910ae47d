//! Parked starts and pools, against starts of the same work.

use std::fs;
use std::time::{Duration, Instant};

use benches::pairs::{PAIRS, ratios, ratios_of_times};
use benches::subjects::{self, FIVE, WITH_NET, new, run};
use ns_process::{Container, Namespace, Parked, Payload, Pool, Process};

use crate::measured::Measured;

/// More than a pair takes, so that each start finds a parked process.
const SIZE: usize = 4;

/// The time that a full pool takes at most.
const FULL: Duration = Duration::from_secs(10);

pub(crate) fn five_until_exec() -> Measured {
    until(&FIVE, Until::Exec)
}

pub(crate) fn net_until_exec() -> Measured {
    until(&WITH_NET, Until::Exec)
}

pub(crate) fn five_until_exit() -> Measured {
    until(&FIVE, Until::Exit)
}

pub(crate) fn net_until_exit() -> Measured {
    until(&WITH_NET, Until::Exit)
}

/// A start without new namespaces, against one in [`FIVE`]: what a start from a pool could save at most.
pub(crate) fn plain_until_exec() -> Measured {
    plain_until(Until::Exec)
}

pub(crate) fn plain_until_exit() -> Measured {
    plain_until(Until::Exit)
}

fn plain_until(end: Until) -> Measured {
    let (plain, five) = (subjects::plain(), new(&FIVE));
    let timed = |builder: &Container| time_until(end, || builder.start().expect("run tiny"));
    Measured::Ratios(ratios_of_times(PAIRS, || timed(&plain), || timed(&five)))
}

/// Park and release, against a plain start.
pub(crate) fn park_and_release() -> Measured {
    let builder = new(&FIVE);
    let parked = || {
        let process = builder.start_parked().and_then(Parked::release);
        assert!(process.and_then(|process| process.join()).expect("run tiny").success());
    };
    Measured::Ratios(ratios(PAIRS, parked, || run(&builder)))
}

/// The kB that only the parked process uses.
pub(crate) fn memory() -> Measured {
    let parked = new(&FIVE).start_parked().expect("park");
    let path = format!("/proc/{}/smaps_rollup", parked.pid());
    let text = fs::read_to_string(path).expect("smaps_rollup");
    let private = |field: &str| -> u32 {
        let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    Measured::Count(private("Private_Clean:") + private("Private_Dirty:"))
}

/// The end of a measured start.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    Exec,
    Exit,
}

/// A start from a full pool, against a start without one. The pool is full before each start, and the program has
/// exited before the next one.
fn until(namespaces: &[Namespace], end: Until) -> Measured {
    let cold = new(namespaces);
    let pool = Pool::new(new(namespaces), SIZE).expect("a pool");
    let payload = Payload::new();
    let from_pool = || {
        assert!(pool.wait_ready(FULL).expect("park"), "the pool is full");
        time_until(end, || pool.start(&payload).expect("release"))
    };
    Measured::Ratios(ratios_of_times(PAIRS, from_pool, || cold_time(&pool, end, &cold)))
}

/// The pool is full meanwhile too, so that its thread does nothing.
fn cold_time(pool: &Pool, end: Until, cold: &Container) -> Duration {
    assert!(pool.wait_ready(FULL).expect("park"), "the pool is full");
    time_until(end, || cold.start().expect("run tiny"))
}

fn time_until(end: Until, start: impl FnOnce() -> Process) -> Duration {
    let begun = Instant::now();
    let process = start();
    let started = begun.elapsed();
    assert!(process.join().expect("join").success());
    if end == Until::Exec { started } else { begun.elapsed() }
}
