//! The child's half: one function per step, to be called between clone and exec.
//!
//! This module uses only `core` and `ns_sys`. It allocates nothing and formats no text, so that each
//! step may run in memory shared with a multithreaded program. A step may also be called in `pre_exec`
//! of std's `Command`, or by a process that changes itself.

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
mod console;
mod copy_up;
mod dirent;
mod entry;
mod fd_path;
mod handle;
mod in_root;
mod mask;
mod mount;
mod mount_proc;
mod mount_step;
mod namespace;
mod new_fs;
mod new_root;
mod path_buffer;
mod place_fds;
mod propagation;
mod reconfigure;
mod root;
mod root_mount;
mod source;
mod strings;
mod target;
mod workdir;

pub use attributes::read_only_here;
pub use close_rest::{FdRange, close_rest, close_rest_on_exec};
pub use console::{Console, mount_console, open_console};
pub use mount_proc::mount_proc;
pub use new_root::{bind_new_root, chroot_here, enter_new_root, pivot_root_here};
pub use place_fds::{FdStep, place_fds};
pub use propagation::propagation;
pub use root::{Root, change, detach, enter, make_mounts, root};
pub use workdir::workdir;

pub(crate) use attributes::{
    Attributes, TreeAttributes, change as change_attributes, propagation_only,
};
pub(crate) use entry::SET_ID;
pub(crate) use in_root::{make, resolve};
pub(crate) use mount_step::{
    Bind, Configured, CopyUp, Device, Entry, FsOption, FsValue, Kind, MountStep, NewFs,
    Reconfigure, RootMount, Source, TargetLimit, UserXattr,
};
pub(crate) use namespace::{mount_namespace, own_namespace};
pub(crate) use root::Change;
pub(crate) use source::{OpenedTree, Slot};
pub(crate) use strings::{BytesRef, StringRef, Strings};
