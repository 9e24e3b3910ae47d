//! Joining the namespaces of other processes, keeping namespaces, and listing them.

#[path = "../common/mod.rs"]
mod common;

mod calls_after_join;
mod foreign;
mod hints;
mod inject;
mod inject_settings;
mod list;
mod names_after_join;
mod optimistic_join;
mod persist;
mod run_fds;
mod setns;
mod targets;
