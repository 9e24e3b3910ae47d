//! What each setting gives to the program.

#[path = "../common/mod.rs"]
mod common;

mod contract;
mod diagnose;
mod ids;
mod limits;
mod map_auto;
mod map_helpers;
mod maps;
mod mounts;
mod names;
mod namespaces;
mod privileges;
mod pyspaces;
mod root;
mod session;
mod stdio;
mod time;
