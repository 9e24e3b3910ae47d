//! Descriptions that a pool refuses.

use std::fs::File;
use std::os::unix::net::{UnixListener, UnixStream};

use ns_process::{BpfInstruction, Container, Pool, Step};

use crate::common::Output;
use crate::container;

fn refusal(container: Container, size: usize) -> String {
    let error = Pool::new(container, size).expect_err("it is refused");
    assert_eq!((error.step(), error.errno()), (Step::Check, None));
    error.object().expect("an object").to_owned()
}

#[test]
fn a_pool_refuses_what_it_cannot_hold() {
    assert_eq!(refusal(container("true"), 0), "Pool::new: the size is 0");
    let many = refusal(container("true"), 1 << 40);
    assert!(many.contains("RLIMIT_NOFILE"), "{many}");
    assert_eq!(refusal(container(""), 1), "program: is empty");
}

#[test]
fn a_pool_refuses_one_gate_for_all() {
    let path = Output::new();
    let mut container = container("true");
    container.park_at(UnixListener::bind(path.path()).expect("bind"));
    let refused = refusal(container, 1);
    assert!(refused.starts_with("park_at: "), "{refused}");
}

#[test]
fn a_pool_refuses_a_closure() {
    let refused = refusal(Container::from_fn(|| 0), 1);
    assert_eq!(refused, "Pool::new: a closure executes no program");
}

#[test]
fn a_pool_refuses_a_cgroup_that_kill_tree_would_empty() {
    let mut container = Container::new("true");
    container.cgroup(File::open("/").expect("open"));
    let refused = refusal(container, 1);
    assert!(refused.starts_with("cgroup: "), "{refused}");
}

#[test]
fn a_pool_refuses_a_console() {
    let mut container = container("true");
    container.console(UnixStream::pair().expect("socketpair").0);
    let refused = refusal(container, 1);
    assert!(refused.starts_with("console: "), "{refused}");
}

#[test]
fn a_pool_refuses_a_listener() {
    let mut container = container("true");
    let allow_all = BpfInstruction { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
    container.no_new_privs().seccomp([allow_all]);
    container.seccomp_listener(UnixStream::pair().expect("socketpair").0);
    let refused = refusal(container, 1);
    assert!(refused.starts_with("seccomp_listener: "), "{refused}");
}

#[test]
fn a_pool_refuses_a_parent_that_is_its_thread() {
    let mut container = container("true");
    container.die_with_parent();
    let refused = refusal(container, 1);
    assert!(refused.starts_with("die_with_parent: "), "{refused}");
}
