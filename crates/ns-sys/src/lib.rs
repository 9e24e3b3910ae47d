#![doc = include_str!("../README.md")]
#![no_std]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "system calls take and return registers: a narrower value keeps its bits"
)]

#[cfg(not(target_os = "linux"))]
compile_error!("namespaces are Linux's");

mod arch;
pub mod child;
mod clone;
mod flags;
pub mod futex;
mod kcmp;
mod namespace;
mod nsfs;
mod pidfd;
mod setns;
mod unshare;

pub use clone::{CloneArgs, CloneRule, clone, clone_entry, clone3, clone3_entry};
pub use flags::{CloneFlags, NamespaceFlags, UnknownFlag, UnshareFlags};
pub use kcmp::kcmp_vm;
pub use namespace::{Namespace, UnknownNamespace};
pub use nsfs::{NamespaceFd, NamespaceId};
pub use pidfd::*;
pub use setns::{setns, setns_pidfd};
pub use unshare::{is_shared, unshare, unshare_files};

pub use rustix::fd;
pub use rustix::io::Errno;
pub use rustix::process::Signal;

/// What every call returns: its value, or the kernel's errno.
pub type Result<T, E = Errno> = core::result::Result<T, E>;
