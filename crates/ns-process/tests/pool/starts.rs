//! Starts from a pool.

use std::collections::HashSet;
use std::time::Duration;

use ns_process::{Init, NamespaceId, Payload, Pool, Stdio, Step};
use ns_testbed::Leftovers;

use crate::common::{assert_unchanged, eventually};
use crate::{container, full_pool};

fn printing(text: &str) -> Payload {
    let mut payload = Payload::new();
    payload.args(["-c", "echo $0; exit 7", text]).stdout(Stdio::piped());
    payload
}

#[test]
fn each_payload_gets_its_output_and_its_status() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        for with_init in [false, true] {
            let mut container = container("sh");
            if with_init {
                container.init(Init::builtin());
            }
            let pool = full_pool(container, 3);
            for number in 0..10 {
                let text = format!("job {number}");
                let process = pool.start(&printing(&text)).expect("start");
                let output = process.wait_with_output().expect("output");
                assert_eq!(output.stdout, format!("{text}\n").as_bytes());
                assert_eq!(output.status.code(), Some(7));
            }
        }
        assert_unchanged(&before);
    });
}

#[test]
fn no_two_starts_share_a_namespace() {
    ns_testbed::run_as!([Root, User], {
        let pool = full_pool(container("sleep"), 4);
        let mut payload = Payload::new();
        payload.arg("1000");
        let processes: Vec<_> = (0..8).map(|_| pool.start(&payload).expect("start")).collect();
        let id = |process: &ns_process::Process| -> NamespaceId {
            let file = format!("/proc/{}/ns/uts", process.pid());
            ns_process::open_namespace(file).expect("open").id().expect("an ID")
        };
        let different: HashSet<_> = processes.iter().map(id).collect();
        assert_eq!(different.len(), processes.len());
        for process in processes {
            process.kill().expect("kill");
            process.join().expect("join");
        }
    });
}

#[test]
fn a_full_pool_refills_and_never_has_more_than_its_size() {
    ns_testbed::run_as!([Root, User], {
        let pool = full_pool(container("true"), 2);
        for _ in 0..20 {
            assert!(pool.start(&Payload::new()).expect("start").join().expect("join").success());
            assert!(pool.stats().ready <= 2);
        }
        assert!(pool.wait_ready(Duration::from_secs(30)).expect("park"));
        let stats = pool.stats();
        assert_eq!(stats.taken + stats.missed, 20, "{stats:?}");
        assert_eq!((stats.ready, stats.died, stats.failed), (2, 0, 0), "{stats:?}");
        assert_eq!(stats.parked, stats.taken + 2, "{stats:?}");
    });
}

#[test]
fn many_threads_start_from_one_pool() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let pool = full_pool(container("sh"), 4);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for number in 0..15 {
                        let text = format!("{thread} {number}");
                        let process = pool.start(&printing(&text)).expect("start");
                        let output = process.wait_with_output().expect("output");
                        assert_eq!(output.stdout, format!("{text}\n").as_bytes());
                    }
                });
            }
        });
        drop(pool);
        assert_unchanged(&before);
    });
}

#[test]
fn an_invalid_payload_costs_no_process() {
    ns_testbed::run_as!([Root, User], {
        let pool = full_pool(container("true"), 2);
        let mut nul = Payload::new();
        nul.arg("a\0b");
        let error = pool.start(&nul).expect_err("a NUL byte");
        assert_eq!((error.step(), error.object()), (Step::Check, Some("arg 1: NUL at byte 1")));
        let mut missing = Payload::new();
        missing.stdin(Stdio::read("/no/such/file"));
        assert_eq!(pool.start(&missing).expect_err("a missing file").step(), Step::Prepare);
        let stats = pool.stats();
        assert_eq!((stats.ready, stats.parked, stats.taken), (2, 2, 0), "{stats:?}");
    });
}

#[test]
fn the_error_of_a_missing_program_is_that_of_a_start() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let pool = full_pool(container("true"), 1);
        let mut payload = Payload::new();
        payload.program("/no/such/program");
        let error = pool.start(&payload).expect_err("no such program");
        let cold = container("/no/such/program").start().expect_err("no such program");
        assert_eq!(
            (error.step(), error.errno(), error.object(), error.hint()),
            (cold.step(), cold.errno(), cold.object(), cold.hint())
        );
        drop(pool);
        assert_unchanged(&before);
    });
}

#[test]
fn a_process_that_died_while_parked_is_replaced_and_not_handed_out() {
    ns_testbed::run_as!([Root, User], {
        let pool = full_pool(container("true"), 3);
        let victims: Vec<_> = (0..3).map(|_| pool.take().expect("take")).collect();
        assert!(pool.wait_ready(Duration::from_secs(30)).expect("park"));
        // The processes of the pool are the other children of this process.
        let taken: HashSet<_> = victims.iter().map(ns_process::Parked::pid).collect();
        let parked = crate::ends::children();
        for pid in parked.iter().filter(|pid| !taken.contains(pid)) {
            crate::ends::kill(*pid);
        }
        for _ in 0..3 {
            assert!(pool.start(&Payload::new()).expect("start").join().expect("join").success());
        }
        eventually("the dead are counted", || pool.stats().died == 3);
    });
}

#[test]
fn a_pool_without_a_parked_process_parks_one_itself() {
    ns_testbed::run_as!([Root, User], {
        let pool = Pool::new(container("true"), 1).expect("a pool");
        for _ in 0..5 {
            assert!(pool.start(&Payload::new()).expect("start").join().expect("join").success());
        }
    });
}
