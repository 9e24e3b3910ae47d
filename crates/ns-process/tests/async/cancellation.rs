//! Starts and waits that are dropped.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::task::Poll;
use std::time::Duration;

use ns_process::{Container, Namespace};
use ns_testbed::Leftovers;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::target::sleep;
use crate::common::{assert_unchanged, rounds, shell};
use crate::{block_on, build, runtime};

/// Begins a start, waits for `pause`, and drops the future.
async fn begin_and_drop(container: &Container, pause: Duration) {
    let mut start = pin!(container.start_async());
    let first = poll_fn(|context| Poll::Ready(start.as_mut().poll(context))).await;
    match first {
        Poll::Pending => std::thread::sleep(pause),
        // The thread of the start was faster.
        Poll::Ready(started) => started.expect("start").kill().expect("kill"),
    }
}

/// A start whose future is dropped leaves no process, whether it had begun or was about to return.
#[test]
fn f20_a_dropped_start_leaves_no_process() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        block_on(async {
            drop(sleep().start_async());
            begin_and_drop(&sleep(), Duration::ZERO).await;
            // The start is complete when its future is dropped.
            begin_and_drop(&sleep(), Duration::from_millis(100)).await;
        });
        assert_unchanged(&before);
    });
}

/// A start that is dropped before the runtime has a free thread for it is not made.
#[test]
fn a_start_that_is_dropped_while_it_waits_is_not_made() {
    ns_testbed::run_as!([Root, User], {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let runtime = build(Builder::new_current_thread().max_blocking_threads(1));
        runtime.block_on(async {
            let (sender, receiver) = channel();
            let occupied = tokio::task::spawn_blocking(move || receiver.recv());
            let mut container = sleep();
            container.before_go(|_| {
                STARTS.fetch_add(1, Ordering::Relaxed);
            });
            begin_and_drop(&container, Duration::ZERO).await;
            sender.send(()).expect("send");
            occupied.await.expect("a task").expect("receive");
            let status = shell("exit 0").status_async().await;
            assert!(status.expect("start").success());
        });
        assert_eq!(STARTS.load(Ordering::Relaxed), 0);
    });
}

/// One of many jobs; a fifth of them exceeds a limit, and a fifth of the starts is dropped.
async fn run_job(number: u32) {
    let mut container = sleep();
    match number % 10 {
        0 | 1 => {
            let process = container.start_async().await.expect("start");
            let joined = process.join_timeout(Duration::from_millis(5)).await.expect("join");
            assert_eq!(joined, None);
            process.kill().expect("kill");
            process.join().await.expect("join");
        }
        2 => begin_and_drop(&container, Duration::ZERO).await,
        3 => {
            // At some time during the start.
            let limit = Duration::from_micros((number * 7 % 3000).into());
            let started = timeout(limit, container.kill_on_drop(true).start_async()).await;
            drop(started);
        }
        _ => {
            let code = i32::try_from(number % 100).expect("small");
            let mut container = shell(&format!("exit {code}"));
            if number % 4 == 0 {
                container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
            }
            let status = container.status_async().await.expect("start");
            assert_eq!(status.code(), Some(code), "job {number}");
        }
    }
}

/// Many starts at once leave no process, zombie or descriptor.
#[test]
fn f18_f20_many_starts_leave_nothing() {
    ns_testbed::run_as!([Root, User], {
        let jobs = rounds(20_000, 1000);
        let before = Leftovers::snapshot();
        for workers in [0, 4] {
            runtime(workers).block_on(async {
                let at_once = Arc::new(tokio::sync::Semaphore::new(50));
                let mut tasks = JoinSet::new();
                for number in 0..jobs / 2 {
                    let permit = Arc::clone(&at_once).acquire_owned().await.expect("open");
                    tasks.spawn(async move {
                        Box::pin(run_job(number)).await;
                        drop(permit);
                    });
                }
                while let Some(job) = tasks.join_next().await {
                    job.expect("no panic");
                }
            });
        }
        assert_unchanged(&before);
        println!(
            "shown: {jobs} starts, a fifth past their limit and a fifth dropped: nothing left"
        );
    });
}
