//! What each setting gives to the program.

#[path = "../common/mod.rs"]
mod common;

mod capabilities;
mod cgroup_tasks;
mod console;
mod console_refused;
mod contract;
mod describe;
mod diagnose;
mod from_std;
mod ids;
mod keyring;
mod kinds;
mod limits;
mod map_auto;
mod map_helpers;
mod maps;
mod mounts;
mod names;
mod namespaces;
mod oom;
mod privileges;
mod program_fd;
mod pyspaces;
mod reexports;
mod root;
mod scheduling;
mod seccomp;
mod session;
mod stdio;
mod sysctl;
mod time;
