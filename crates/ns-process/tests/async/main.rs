//! Starts, joins and output as futures of tokio.

#[path = "../common/mod.rs"]
mod common;

mod cancellation;
mod handle;
mod output;
mod start;

use std::future::Future;
use std::sync::Once;

use ns_testbed::Leftovers;
use tokio::runtime::{Builder, Runtime};

/// A runtime with this many worker threads; with none, the calling thread polls.
fn runtime(workers: usize) -> Runtime {
    // For its signal handlers tokio opens a pair of sockets that it never closes.
    static FIRST: Once = Once::new();
    FIRST.call_once(|| Leftovers::ignore_opened_by(|| drop(new_runtime(0))));
    new_runtime(workers)
}

fn new_runtime(workers: usize) -> Runtime {
    let mut builder = match workers {
        0 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(workers.max(1)).enable_all().build().expect("a runtime")
}

/// Polls the future on the calling thread.
fn block_on<F: Future>(future: F) -> F::Output {
    runtime(0).block_on(future)
}
