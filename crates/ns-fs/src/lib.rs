//! Change the root, the working directory, the mounts and the descriptors of a process.
//!
//! Each change has two halves. The parent makes a *plan*: it checks the settings, opens files and
//! allocates. The child *applies* the plan between clone and exec: it makes bare system calls and
//! allocates nothing, and each error is a [`StepError`], a step and an errno. The child half also
//! works in `pre_exec` of std's `Command`, and in a process that changes itself.
//!
//! ```no_run
//! use ns_fs::{Mount, Root, RootPlan, Workdir};
//!
//! let root = Root::pivot("rootfs")
//!     .mount(Mount::proc("/proc"))
//!     .mount(Mount::dev("/dev"))
//!     .read_only();
//! let plan = RootPlan::new(root, Workdir::new("/home"))?;
//! println!("{}", plan.describe()); // the system calls in order; none is made
//!
//! if let Err(error) = plan.apply() { // in the child
//!     eprintln!("{}", plan.explain(&error)); // the path that is wrong, and what to do
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`RootPlan`]: a new root ([`Root`]), its mounts ([`Mount`]), their [`Propagation`] and the
//!   working directory ([`Workdir`]). A [`Tree`] is a mount that the caller has opened.
//! - [`resolve_in_root`], [`make_in_root`]: paths inside a directory that others may change.
//! - [`FdPlan`]: standard streams and other descriptors ([`Descriptors`], [`Stdio`]). They move as
//!   if all at once, so that swaps and cycles lose no file.
//! - [`apply`]: the child half, one function per step.
//! - [`bind_file`], [`unbind_file`]: bind an open file, such as a namespace, to a path.
//!
//! The README lists which escapes from a root each setting prevents, and what older kernels lack.
// No prelude of std: each name that allocates needs a `use`, which shows if one enters `apply`.
#![no_std]

extern crate std;

pub mod apply;
mod arena;
mod attributes;
mod description;
mod fds;
mod file_bind;
mod in_root;
mod mount;
mod propagation;
mod root;
mod root_error;
mod step;
mod tree;

pub use attributes::MountAttrs;
pub use description::Description;
pub use fds::{Descriptors, FdError, FdPlan, Stdio};
pub use file_bind::{BindError, bind_file, unbind_file};
pub use in_root::{make_in_root, resolve_in_root};
pub use mount::{DeviceKind, Mount};
pub use ns_sys::child::{FileType, MountFlags};
pub use propagation::Propagation;
pub use root::{Explanation, OpenTrees, Root, RootPlan, Workdir};
pub use root_error::RootError;
pub use step::{Step, StepError};
pub use tree::{Tree, TreeError};

/// Runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
