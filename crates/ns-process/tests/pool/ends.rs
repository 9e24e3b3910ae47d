//! The end of a pool, and of its processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ns_process::{Payload, Pool, Resource, Step};
use ns_testbed::{Leftovers, forked};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{assert_unchanged, eventually};
use crate::{container, full_pool};

/// The children of this process.
pub(crate) fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("tasks");
    let lists = tasks.map(|task| {
        std::fs::read_to_string(task.expect("a task").path().join("children")).expect("children")
    });
    let numbers = |list: String| -> Vec<u32> {
        list.split_whitespace().map(|pid| pid.parse().expect("a number")).collect()
    };
    lists.flat_map(numbers).collect()
}

pub(crate) fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a process ID")).expect("not 0");
    kill_process(pid, Signal::KILL).expect("kill");
}

#[test]
fn dropping_a_pool_leaves_nothing() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        for size in [1, 8] {
            drop(full_pool(container("true"), size));
            // Its thread may be in a start.
            drop(Pool::new(container("true"), size).expect("a pool"));
        }
        assert_unchanged(&before);
    });
}

#[test]
fn a_released_program_outlives_its_pool() {
    ns_testbed::run_as!([Root, User], {
        let pool = full_pool(container("sleep"), 1);
        let process = pool.start(Payload::new().arg("1000")).expect("start");
        drop(pool);
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

#[test]
fn a_description_that_fails_is_tried_again_and_its_error_is_shown() {
    ns_testbed::run_as!([Root, User], {
        let fails = Arc::new(AtomicBool::new(true));
        let mut container = container("true");
        let seen = Arc::clone(&fails);
        container.before_go(
            move |_| {
                if seen.load(Ordering::Relaxed) { Err("not yet") } else { Ok(()) }
            },
        );
        let pool = Pool::new(container, 2).expect("a pool");
        eventually("two attempts fail", || pool.stats().failed >= 2);
        let error = pool.wait_ready(Duration::from_secs(30)).expect_err("it fails");
        assert_eq!((error.step(), error.object()), (Step::BeforeGo, Some("not yet")));
        assert_eq!(pool.last_error().expect("an error").step(), Step::BeforeGo);
        assert_eq!(pool.start(&Payload::new()).expect_err("it fails").step(), Step::BeforeGo);
        fails.store(false, Ordering::Relaxed);
        eventually("the pool is full", || pool.stats().ready == 2);
        assert!(pool.last_error().is_none());
    });
}

#[test]
fn a_panic_of_a_hook_does_not_end_the_thread() {
    ns_testbed::run_as!([Root, User], {
        let panics = Arc::new(AtomicBool::new(true));
        let mut container = container("true");
        let seen = Arc::clone(&panics);
        container.before_go(move |_| {
            assert!(!seen.load(Ordering::Relaxed), "a panic of this test");
            Ok::<_, String>(())
        });
        let pool = Pool::new(container, 1).expect("a pool");
        eventually("an attempt fails", || pool.stats().failed >= 1);
        panics.store(false, Ordering::Relaxed);
        eventually("the pool is full", || pool.stats().ready == 1);
    });
}

#[test]
fn a_forked_copy_of_a_pool_kills_nothing() {
    ns_testbed::run_as!([Root, User], {
        let mut pool = Some(full_pool(container("true"), 2));
        let code = forked(|| {
            let pool = pool.take().expect("a copy");
            let error = pool.start(&Payload::new()).expect_err("it is refused");
            assert_eq!(error.step(), Step::Check, "{error}");
            0
        });
        assert_eq!(code, 0);
        let pool = pool.expect("only the copy was dropped");
        for _ in 0..2 {
            let parked = pool.take().expect("take");
            assert!(parked.process().is_alive().expect("alive"));
        }
        assert_eq!(pool.stats().died, 0);
    });
}

#[test]
fn parked_processes_exit_with_their_caller() {
    ns_testbed::run_as!([Root, User], {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let code = forked(move || {
            // The parked processes inherit the writer, so end-of-file means that none is left.
            let mut container = container("true");
            container.fd(9, writer);
            let pool = full_pool(container, 3);
            std::mem::forget(pool);
            0
        });
        assert_eq!(code, 0);
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut rest).expect("end of file");
        assert!(rest.is_empty());
    });
}

/// Parked processes that cannot begin are no endless loop.
#[test]
fn a_start_ends_if_each_parked_process_dies() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let mut container = container("true");
        container.rlimit(Resource::Data, 0, 0);
        let pool = Pool::new(container, 2).expect("a pool");
        let error = pool.start(&Payload::new()).expect_err("no process lives");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
        drop(pool);
        assert_unchanged(&before);
    });
}
