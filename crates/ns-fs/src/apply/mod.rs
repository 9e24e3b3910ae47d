//! What a child does between clone and exec: one function a step, nothing allocated, no text.
//!
//! Part of the fence: only `core`, `ns_sys` and this folder, so that every step may run in memory
//! shared with a program of many threads. Each may also be called from `pre_exec` of std's
//! `Command`, or by a process that changes itself.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod attributes;
mod bind;
mod close_rest;
mod entries;
mod fd_path;
mod handle;
mod here;
mod in_root;
mod mount;
mod mount_proc;
mod mount_step;
mod new_root;
mod open_path;
mod path_buffer;
mod place_fds;
mod propagation;
mod root;
mod strings;
mod workdir;

use here::here;

pub use attributes::read_only_here;
pub use close_rest::{FdRange, close_rest};
pub use mount::{Mount, MountKind, mount};
pub use mount_proc::mount_proc;
pub use new_root::{bind_new_root, chroot_here, enter_new_root, pivot_root_here};
pub use place_fds::{FdStep, place_fds};
pub use propagation::propagation;
pub use root::{Root, change, detach, root};
pub use workdir::workdir;

pub(crate) use mount_step::{MountStep, StepKind};
pub(crate) use root::Change;
pub(crate) use strings::{Strings, Text};
