//! Starts, joins and output as futures of tokio.

#[path = "../common/mod.rs"]
mod common;

mod cancellation;
mod handle;
mod output;
mod parked;
mod start;

use std::future::Future;
use std::sync::Once;

use ns_testbed::Leftovers;
use tokio::runtime::{Builder, Runtime};

/// A runtime with this many worker threads; with none, the calling thread polls.
fn runtime(workers: usize) -> Runtime {
    match workers {
        0 => build(&mut Builder::new_current_thread()),
        _ => build(Builder::new_multi_thread().worker_threads(workers)),
    }
}

fn build(builder: &mut Builder) -> Runtime {
    // For signal handlers tokio opens a pair of sockets once, and never closes it.
    static FIRST: Once = Once::new();
    let first = || drop(Builder::new_current_thread().enable_all().build());
    FIRST.call_once(|| Leftovers::ignore_opened_by(first));
    builder.enable_all().build().expect("a runtime")
}

/// Polls the future on the calling thread.
fn block_on<F: Future>(future: F) -> F::Output {
    runtime(0).block_on(future)
}
