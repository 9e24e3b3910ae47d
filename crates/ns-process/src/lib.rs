#![doc = include_str!("../README.md")]
// What allocates has to be imported where it is used, so that it cannot slip into `in_child`.
#![no_std]

extern crate std;

mod diagnose;
mod error;
mod hint;
mod in_child;
mod list;
mod mountinfo;
mod parked;
mod persist;
mod plan;
mod proc_dir;
mod process;
mod resource;
mod setns;
mod settings;
mod start;
mod step;
mod target;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use diagnose::{Diagnosis, Finding, diagnose};
pub use error::Error;
pub use list::{Member, NamespaceFile, NamespaceInfo, Namespaces, namespaces};
pub use parked::{
    Parked, Pool, PoolStats, release_at, release_at_timeout, release_by, release_by_timeout,
};
pub use persist::{bind_namespace, make_namespace, namespace_of, open_namespace, unbind_namespace};
pub use plan::{Description, Plan};
pub use process::{LimitedOutput, OutputLimit, Process, Usage, UsageLost, reap};
pub use resource::Resource;
pub use setns::{Setns, SetnsProcess, setns, setns_fds, setns_process, setns_process_fds};
pub use settings::{
    Builder, Capabilities, Chroot, Clock, Container, HookContext, HookOutcome, Init, Inject,
    IntoExitCode, IntoNamespaces, IoPriority, Memory, Payload, Personality, Scheduler,
    SeccompFlags, Target, WaitingChild, kind,
};
pub use start::set_dumpable;
pub use step::{Side, Step};

// Everything that a signature shows, so that a user needs no other crate of the workspace.
pub use ns_fs::{
    Descriptors, DeviceKind, FdError, Mount, MountAttrs, MountFlags, Propagation, Stdio, Tree,
    TreeError,
};
pub use ns_idmap::{
    ComposeError, Extent, Gid, GidMap, Helper, HelperError, IdKind, IdMap, ParseError, RuleError,
    Setgroups, SubIds, Uid, UidMap,
};
pub use ns_sys::child::BpfInstruction;
pub use ns_sys::{
    CloneFlags, Errno, Namespace, NamespaceFd, NamespaceFlags, NamespaceId, Signal, UnknownFlag,
    UnknownNamespace,
};
pub use rustix::thread::CapabilitySet;

#[doc(no_inline)]
pub use {ns_fs, ns_idmap, ns_sys};
