//! What each setting gives to the program.

#[path = "../common/mod.rs"]
mod common;

mod capabilities;
mod contract;
mod describe;
mod diagnose;
mod from_std;
mod ids;
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
mod session;
mod stdio;
mod sysctl;
mod time;
