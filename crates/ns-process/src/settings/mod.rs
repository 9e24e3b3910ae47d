//! What is wished for, before anything is done.
//!
//! One builder with a kind as parameter: what [`Container`] and the kinds to come share is written
//! once. Setters never fail; a mistake is remembered, and `start` reports the first.

mod caller;
mod cgroup;
mod child_hooks;
mod chroot;
mod closure;
mod daemon;
mod environment;
mod hooks;
mod ids;
mod init;
mod join;
mod lifetime;
mod limits;
mod maps;
mod memory;
mod names;
mod namespaces;
mod payload;
mod privileges;
mod program;
mod root;
mod session;
mod stdio;
mod target;
mod time;
mod unchecked;

use std::ffi::OsString;
use std::format;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ns_sys::{CloneFlags, NamespaceFlags};

pub(crate) use caller::Caller;
pub use child_hooks::HookContext;
pub(crate) use child_hooks::{ChildHook, ChildHooks};
pub use chroot::Chroot;
pub(crate) use closure::Closure;
pub use closure::IntoExitCode;
pub(crate) use daemon::Daemon;
pub(crate) use daemon::checked as checked_daemon;
use environment::EnvironmentConfig;
pub(crate) use hooks::{HookError, Hooks, errno_of};
pub use hooks::{HookOutcome, WaitingChild};
use ids::IdConfig;
pub(crate) use ids::Ids;
pub use init::Init;
pub(crate) use init::checked as checked_init;
pub use join::Inject;
use join::JoinConfig;
pub(crate) use join::{Join, JoinFile};
pub(crate) use lifetime::Lifetime;
use limits::LimitConfig;
pub(crate) use limits::Limits;
use maps::MapConfig;
pub(crate) use maps::Maps;
pub use memory::Memory;
use names::NameConfig;
pub(crate) use names::Names;
pub use namespaces::NamespaceName;
pub(crate) use payload::Payload;
use privileges::PrivilegeConfig;
pub(crate) use privileges::{PrivilegeCeiling, Privileges};
pub(crate) use program::Program;
pub(crate) use root::Root;
use root::RootConfig;
pub(crate) use session::Session;
use session::SessionConfig;
use stdio::StreamConfig;
pub(crate) use stdio::Streams;
pub use target::Target;
pub use time::Clock;
use time::Offset;
pub(crate) use time::offsets;

/// The kinds of [`Builder`].
pub mod kind {
    /// A program or a closure in namespaces of its own.
    #[derive(Debug)]
    pub enum Container {}

    /// A program with a root of its own.
    #[derive(Debug)]
    pub enum Chroot {}

    /// A program in the namespaces of another process.
    #[derive(Debug)]
    pub enum Inject {}
}

/// Starts a program in new namespaces.
///
/// The setters are those of [`Builder`]:
/// - the program: [`arg`](Builder::arg), [`args`](Builder::args), [`env`](Builder::env),
///   [`env_remove`](Builder::env_remove), [`env_clear`](Builder::env_clear);
/// - what is new: [`namespace`](Builder::namespace), [`namespaces`](Builder::namespaces),
///   [`all`](Builder::all), [`without`](Builder::without), [`map_zero`](Builder::map_zero),
///   [`mount_proc`](Builder::mount_proc), [`flags`](Builder::flags);
/// - then [`plan`](Builder::plan) or [`start`](Builder::start).
///
/// ```
/// use ns_process::{Container, Namespace};
///
/// let mut container = Container::new("sh");
/// container.args(["-c", "exit 3"]).all().without(Namespace::Net).map_zero();
/// let process = container.start()?;
/// assert_eq!(process.join()?.code(), Some(3));
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # References
/// namespaces(7), clone(2).
pub type Container = Builder<kind::Container>;

/// What is wished for: a [`Container`], a [`Chroot`] or an [`Inject`].
///
/// Setters take and return `&mut Self`, keep no order, and never fail: a mistake is remembered and
/// reported by [`start`](Self::start), with the setter's name. A builder may start any number of
/// times, also from several threads. Getters begin with `get_`, as std's do.
#[derive(Debug)]
pub struct Builder<Kind> {
    pub(crate) name: String,
    pub(crate) program: OsString,
    /// Started in place of the program.
    pub(crate) closure: Option<Closure>,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: EnvironmentConfig,
    /// New ones, or of an `Inject` those that are entered.
    pub(crate) namespaces: NamespaceFlags,
    pub(crate) join: JoinConfig,
    pub(crate) memory: Memory,
    pub(crate) init: Option<Init>,
    pub(crate) daemon: Option<Daemon>,
    pub(crate) flags: CloneFlags,
    pub(crate) cgroup: Option<Arc<OwnedFd>>,
    pub(crate) hooks: Hooks,
    pub(crate) child_hooks: ChildHooks,
    pub(crate) lifetime: Lifetime,
    pub(crate) maps: MapConfig,
    pub(crate) ids: IdConfig,
    pub(crate) offsets: Vec<Offset>,
    pub(crate) session: SessionConfig,
    pub(crate) root: RootConfig,
    pub(crate) streams: StreamConfig,
    pub(crate) names: NameConfig,
    pub(crate) limits: LimitConfig,
    pub(crate) privileges: PrivilegeConfig,
    /// What a setter could not take; the first is what a start reports.
    pub(crate) errors: Vec<String>,
    kind: PhantomData<fn() -> Kind>,
}

impl<Kind> Builder<Kind> {
    fn with_program(kind: &str, program: OsString) -> Self {
        Self {
            name: next_name(kind),
            program,
            closure: None,
            args: Vec::new(),
            env: EnvironmentConfig::default(),
            namespaces: NamespaceFlags::empty(),
            join: JoinConfig::default(),
            memory: Memory::default(),
            init: None,
            daemon: None,
            flags: CloneFlags::empty(),
            cgroup: None,
            hooks: Hooks::default(),
            child_hooks: ChildHooks::default(),
            lifetime: Lifetime::default(),
            maps: MapConfig::default(),
            ids: IdConfig::default(),
            offsets: Vec::new(),
            session: SessionConfig::default(),
            root: RootConfig::default(),
            streams: StreamConfig::default(),
            names: NameConfig::default(),
            limits: LimitConfig::default(),
            privileges: PrivilegeConfig::default(),
            errors: Vec::new(),
            kind: PhantomData,
        }
    }

    /// Labels the process, in errors and in `Debug`; the default is unique in this program.
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        self.name = name.into();
        self
    }

    /// The label.
    pub fn get_name(&self) -> &str {
        &self.name
    }
}

fn next_name(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
