//! The fence: the code that runs in the child between clone and exec.
//!
//! Nothing here allocates, locks, panics, unwinds or uses thread-local storage: in shared memory, std and libc take
//! the child for the thread that called clone3(2). [`ChildCode`] may do all of that; it runs only in a child with its
//! own copy of the memory. The child reads its configuration from the [`ChildPlan`] and reports errors through the
//! [`Handshake`]. The crate is `no_std`, so every use of `std` here would need a visible import.
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

mod capabilities;
mod cgroup;
mod console;
mod cwd;
mod decimal;
mod descriptors;
mod dumpable;
mod entry;
mod exec_lock;
mod exec_name;
mod executed;
mod from_target;
mod handshake;
mod hooks;
mod ids;
mod init;
mod intermediate;
mod join;
mod keyring;
mod limits;
mod names;
mod namespaces;
mod oom;
mod optimistic;
mod order;
mod plan;
mod prctl;
mod privileges;
mod program;
mod root;
mod scheduling;
mod session;
mod signals;
mod sysctl;
mod wait;
mod write_file;

pub(crate) use capabilities::CapabilityChange;
pub(crate) use console::Console;
#[cfg(test)]
pub(crate) use decimal::Decimal;
pub(crate) use entry::{clone, run_forked};
pub(crate) use exec_lock::ExecLock;
pub(crate) use from_target::FromTarget;
pub(crate) use handshake::{ALL_AT_ONCE, GO, Handshake, Report, has_left};
pub(crate) use hooks::{ChildCode, Ended, HookPoint};
pub(crate) use ids::Ids;
pub(crate) use init::{Init, STATUS};
pub(crate) use intermediate::{IntermediatePlan, clone_intermediate, run_forked_intermediate};
pub(crate) use join::{Join, enter};
pub(crate) use keyring::Keyring;
pub(crate) use limits::{Limit, Limits};
pub(crate) use names::Names;
pub(crate) use oom::OomScoreAdj;
pub(crate) use optimistic::OverflowIds;
pub(crate) use order::child_steps;
pub(crate) use plan::ChildPlan;
pub(crate) use privileges::Privileges;
pub(crate) use program::{NOT_FOUND, Paths};
pub(crate) use root::{PROC, Root, unpack};
pub(crate) use scheduling::Scheduling;
pub(crate) use session::Session;
pub(crate) use signals::Dispositions;
pub(crate) use sysctl::Sysctls;
pub(crate) use wait::{ParentWatch, Waits};
