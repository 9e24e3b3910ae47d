//! Pools of parked processes.

#[path = "../common/mod.rs"]
mod common;

mod ends;
mod refused;
mod starts;

use std::time::Duration;

use ns_process::{Container, Namespace, Pool};

/// A container whose namespaces every user may create.
pub(crate) fn container(program: &str) -> Container {
    let mut container = Container::new(program);
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Uts]).map_zero();
    container
}

/// A pool whose processes are all parked.
pub(crate) fn full_pool(container: Container, size: usize) -> Pool {
    let pool = Pool::new(container, size).expect("a pool");
    assert!(pool.wait_ready(Duration::from_secs(30)).expect("park"), "the pool is full");
    pool
}
