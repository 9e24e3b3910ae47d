//! Tests against the running kernel. A test that shows a hazard handled begins with its number.
//!
//! They can share one binary because `run_as!` starts each test in a process of its own. The tests
//! without it change nothing in the process.

mod bpf;
mod child;
mod clone;
#[cfg(target_arch = "x86_64")]
mod clone_oracle;
mod clone_pidfd;
mod clone_rules;
mod futex;
mod kcmp;
mod namespaces;
mod pidfd;
mod wait_timeout;
mod wait_usage;
