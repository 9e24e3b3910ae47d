//! How a process is started: the child, its hooks, and each way in which a start fails.

#[path = "../common/mod.rs"]
mod common;

mod before_go;
mod before_pivot;
mod child_hooks;
mod child_killed;
mod closures;
mod copies;
mod daemon;
mod daemon_copies;
mod debugger;
mod dumpable;
mod errors;
mod every_step;
mod fallbacks;
mod guards;
mod hints;
mod init;
mod init_copies;
mod late_cgroup;
mod nested;
