//! Parked starts, releases and pools as futures.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ns_process::{Error, Payload, Pool, Stdio};
use ns_testbed::Leftovers;

use crate::common::target::sleep;
use crate::common::{assert_unchanged, shell};
use crate::{block_on, runtime};

/// Polls the future once, waits for `pause`, and drops it.
async fn poll_and_drop<T>(
    future: impl Future<Output = Result<T, Error>>,
    pause: Duration,
    end: impl FnOnce(T),
) {
    let mut future = pin!(future);
    match poll_fn(|context| Poll::Ready(Pin::as_mut(&mut future).poll(context))).await {
        Poll::Pending => std::thread::sleep(pause),
        // The thread of the runtime was faster, so the value is the caller's.
        Poll::Ready(made) => end(made.expect("it is made")),
    }
}

#[test]
fn a_parked_process_is_released_by_a_future() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        block_on(async {
            let parked = shell("exit 3").start_parked_async().await.expect("park");
            let process = parked.release_async().await.expect("release");
            assert_eq!(process.join().await.expect("join").code(), Some(3));
            let parked = shell("exit 3").start_parked_async().await.expect("park");
            let mut payload = Payload::new();
            payload.args(["-c", "echo text"]).stdout(Stdio::piped());
            let process = parked.release_with_async(&payload).await.expect("release");
            let output = process.wait_with_output().await.expect("output");
            assert_eq!(output.stdout, b"text\n");
        });
        assert_unchanged(&before);
    });
}

#[test]
fn f20_a_dropped_park_or_release_leaves_no_process() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let kill = |process: ns_process::tokio::Process| process.kill().expect("kill");
        block_on(async {
            for pause in [Duration::ZERO, Duration::from_millis(100)] {
                drop(sleep().start_parked_async());
                poll_and_drop(sleep().start_parked_async(), pause, drop).await;
                let parked = || sleep().start_parked().expect("park");
                drop(parked().release_async());
                poll_and_drop(parked().release_async(), pause, kill).await;
                let payload = Payload::new();
                poll_and_drop(parked().release_with_async(&payload), pause, kill).await;
                let pool = Arc::new(Pool::new(sleep(), 1).expect("a pool"));
                poll_and_drop(pool.start_async(&payload), pause, kill).await;
            }
        });
        assert_unchanged(&before);
    });
}

#[test]
fn many_tasks_start_from_one_pool() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        runtime(2).block_on(async {
            let pool = Arc::new(Pool::new(shell(""), 4).expect("a pool"));
            let jobs = (0..20_i32).map(|number| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move {
                    let mut payload = Payload::new();
                    payload.args(["-c", &format!("exit {number}")]);
                    let process = pool.start_async(&payload).await.expect("start");
                    (number, process.join().await.expect("join").code())
                })
            });
            for job in jobs.collect::<Vec<_>>() {
                let (number, code) = job.await.expect("a task");
                assert_eq!(code, Some(number));
            }
        });
        assert_unchanged(&before);
    });
}
