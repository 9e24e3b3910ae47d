//! Typed system calls for Linux namespaces: clone3, unshare, setns, pidfds and nsfs, and the calls that a
//! child makes between clone and exec.
//!
//! The crate is for authors of container runtimes, sandboxes and test runners. It has one flag type per
//! call, checks the kernel's rules before a clone, and returns the kernel's errno. It is `no_std` and does
//! not allocate. It makes no policy decision, reads no `/proc`, and logs nothing.
//!
//! ```
//! use ns_sys::{CloneArgs, CloneFlags, Namespace, NamespaceFd, NamespaceFlags};
//!
//! // The kernel reports only EINVAL for these flags. `validate` names the rule.
//! let rule = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::FS).validate().unwrap_err();
//! assert_eq!(rule.to_string(), "CLONE_NEWUSER excludes CLONE_FS");
//!
//! // A pidfd refers to the same process, even after its process ID is reused. It gives access to its namespaces.
//! let own = ns_sys::pidfd_open(std::process::id())?;
//! let uts = NamespaceFd::from_pidfd(&own, Namespace::Uts)?;
//! assert_eq!(uts.kind()?, Namespace::Uts);
//!
//! // Names are parsed as namespaces(7) and clone(2) spell them.
//! assert_eq!("newns".parse(), Ok(Namespace::Mnt));
//! assert_eq!("net,uts".parse(), Ok(NamespaceFlags::NET | NamespaceFlags::UTS));
//! # Ok::<(), ns_sys::Errno>(())
//! ```
//!
//! | system call | items |
//! |---|---|
//! | clone3(2) | [`clone3`] for a child with a copy of the memory, [`clone3_entry`] for a child on its own stack; [`clone3_pidfd`] and [`clone3_entry_pidfd`] also return its pidfd; [`CloneArgs`], [`CloneFlags`], [`CloneRule`] |
//! | clone(2) | [`clone`](clone()) and [`clone_entry`], the same without clone3; [`CloneArgs::fits_clone`] |
//! | unshare(2) | [`unshare`](unshare()), [`unshare_files`], [`is_shared`]; [`UnshareFlags`] |
//! | setns(2) | [`setns`](setns()), [`setns_pidfd`]; [`Namespace`], [`NamespaceFlags`] |
//! | pidfds | [`pidfd_open`], [`pidfd_open_thread`], [`pidfd_send_signal`], [`pidfd_getfd`], [`pidfd_get_info`], [`waitid_pidfd`], [`waitid_pidfd_timeout`], [`waitid_pidfd_usage`]; [`Signal`] |
//! | nsfs ioctls | [`NamespaceFd`], [`NamespaceId`] |
//! | kcmp(2) | [`kcmp_vm`] |
//! | bpf(2), for the devices of a cgroup | [`load_cgroup_device`], [`attach_cgroup_device`], [`cgroup_device_programs`], [`bpf_program_by_id`]; [`BpfInsn`] |
//! | futex(2) | the module [`futex`] |
//! | between clone and exec | the module [`child`] |
//!
//! The documentation of each function states its errors, the kernel that it needs, and whether it may be
//! called between clone and exec. `examples/shared_memory_child.rs` starts a program in new namespaces
//! with this crate alone.
//!
//! # Features
//! - `std` (default): [`fd`] contains std's descriptor types instead of rustix's own.
#![no_std]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "system calls take and return registers: a narrower value keeps its bits"
)]

#[cfg(not(target_os = "linux"))]
compile_error!("ns-sys supports Linux only: namespaces are a Linux feature");

mod arch;
mod bpf;
pub mod child;
mod clone;
mod flags;
pub mod futex;
mod kcmp;
mod namespace;
mod nsfs;
mod pidfd;
mod setns;
mod signal;
mod unshare;

pub use bpf::{
    BpfInsn, attach_cgroup_device, bpf_program_by_id, cgroup_device_programs, load_cgroup_device,
};
pub use clone::{
    CloneArgs, CloneRule, clone, clone_entry, clone3, clone3_entry, clone3_entry_pidfd,
    clone3_pidfd,
};
pub use flags::{CloneFlags, NamespaceFlags, UnknownFlag, UnshareFlags};
pub use kcmp::kcmp_vm;
pub use namespace::{Namespace, UnknownNamespace};
pub use nsfs::{NamespaceFd, NamespaceId};
pub use pidfd::{
    PidfdInfo, Usage, WaitFlags, WaitStatus, pidfd_get_info, pidfd_getfd, pidfd_open,
    pidfd_open_thread, pidfd_send_signal, waitid_pidfd, waitid_pidfd_timeout, waitid_pidfd_usage,
};
pub use setns::{setns, setns_pidfd};
pub use signal::Signal;
pub use unshare::{is_shared, unshare, unshare_files};

pub use rustix::fd;

/// The error of every call of this crate: an errno of the kernel.
///
/// This is the type of rustix. The rest of this text is rustix's.
#[doc(inline)]
pub use rustix::io::Errno;

/// The result of every call of this crate: its value, or the kernel's errno.
pub type Result<T, E = Errno> = core::result::Result<T, E>;

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
