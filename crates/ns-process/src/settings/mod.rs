//! The configuration of a start.
//!
//! One builder has its kind as a parameter, so that the kinds share their setters. Each file has
//! the setters of one concern, their checked form, their lines for `Plan::describe`, and their view
//! for the child. Setters never fail: they record an error, and a start returns the first one.

// rustdoc lists the setters of `Builder` in the order of these modules: program, namespaces, IDs,
// root and so on. The blank lines keep rustfmt from sorting the modules.
mod program;

mod command;

mod closure;
mod namespaces;

mod join;
mod names;
mod sysctl;
mod time;

mod maps;

mod ids;
mod root;
mod stdio;
mod unchecked;

mod session;

mod console;

mod limits;

mod scheduling;

mod cgroup;

mod capabilities;

mod privileges;

mod seccomp;

mod keyring;

mod init;

mod gate;

mod daemon;
mod lifetime;
mod memory;

mod hooks;

mod child_hooks;

pub(crate) mod bpf;
mod caller;
mod capability_plan;
mod describe_capabilities;
mod environment;
mod into_namespaces;
mod payload;
mod personality;
mod root_plan;
mod scheduler;
mod scheduling_plan;
mod strings;
mod target;
mod work;

use std::ffi::OsString;
use std::format;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ns_sys::{CloneFlags, NamespaceFlags};

pub(crate) use caller::Caller;
pub use capabilities::Capabilities;
pub(crate) use capability_plan::PrivilegeCeiling;
pub(crate) use cgroup::describe_tasks;
pub use child_hooks::HookContext;
pub(crate) use child_hooks::{ChildHook, ChildHooks};
pub(crate) use closure::Closure;
pub use closure::IntoExitCode;
pub(crate) use console::Console;
pub(crate) use daemon::Daemon;
use environment::EnvironmentConfig;
pub(crate) use hooks::{HookError, Hooks, errno_of};
pub use hooks::{HookOutcome, WaitingChild};
use ids::IdConfig;
pub(crate) use ids::Ids;
pub use init::Init;
pub use into_namespaces::IntoNamespaces;
pub(crate) use into_namespaces::Seal;
pub use join::Inject;
pub(crate) use join::{Join, JoinFile};
pub(crate) use keyring::Keyring;
use keyring::KeyringConfig;
pub(crate) use lifetime::Lifetime;
use limits::LimitConfig;
pub(crate) use limits::Limits;
use maps::MapConfig;
pub(crate) use maps::Maps;
pub use memory::Memory;
pub(crate) use names::Names;
pub use payload::Payload;
pub use personality::Personality;
use privileges::PrivilegeConfig;
pub(crate) use privileges::{Label, Privileges};
pub(crate) use program::Program;
use root::RootConfig;
pub(crate) use root_plan::Root;
pub use scheduler::{IoPriority, Scheduler};
use scheduling::SchedulingConfig;
pub(crate) use scheduling_plan::Scheduling;
pub use seccomp::SeccompFlags;
pub(crate) use session::Session;
use stdio::StreamConfig;
pub(crate) use stdio::{Streams, stream_error};
pub(crate) use strings::Arrays;
pub(crate) use sysctl::Sysctls;
pub use target::Target;
pub use time::Clock;
use time::Offset;
pub(crate) use work::Work;

/// The kinds of [`Builder`].
pub mod kind {
    /// A program or a closure in new namespaces.
    #[derive(Debug)]
    pub enum Container {}

    /// A program or a closure with another root directory.
    #[derive(Debug)]
    pub enum Chroot {}

    /// A program or a closure in the namespaces of another process.
    #[derive(Debug)]
    pub enum Inject {}
}

/// Starts a program or a closure in new namespaces.
///
/// By default there are none: select them by [`namespaces`](Builder::namespaces), and call
/// [`start`](Builder::start). The setters are listed at [`Builder`].
///
/// # Examples
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

/// Starts a program with a directory as its root.
///
/// A `Chroot` is a [`Container`] with new user and mount namespaces and a
/// [`rootdir`](Builder::rootdir). If the caller is root, it can omit the user namespace by
/// `without(Namespace::User)`. The setters are listed at [`Builder`].
///
/// A dynamically linked program needs its loader and its libraries inside the root. If execve(2)
/// fails with `ENOENT` although the file exists, its interpreter is missing, and the error's hint
/// names the interpreter.
///
/// # Examples
/// ```no_run
/// use ns_process::Chroot;
///
/// let process = Chroot::new("rootfs", "/bin/ls").arg("/home").start()?;
/// assert!(process.join()?.success());
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # References
/// chroot(2), pivot_root(2).
pub type Chroot = Builder<kind::Chroot>;

/// Configures and starts a [`Container`], a [`Chroot`] or an [`Inject`].
///
/// Setters take and return `&mut Self`. They never fail: a [`start`](Self::start) reports the first
/// invalid value, with the name of the setter. A builder can start any number of processes, also
/// from several threads. Getters begin with `get_`, as in std.
///
/// The setters, by group:
/// - [program](Builder#program), arguments and environment;
/// - [new namespaces](Builder#namespaces), [existing ones](Builder#existing-namespaces),
///   [host name and loopback](Builder#host-name-and-loopback), [clocks](Builder#clocks);
/// - [ID maps](Builder#id-maps), [user and groups](Builder#user-and-groups);
/// - [root and mounts](Builder#root-and-mounts);
/// - [streams and descriptors](Builder#streams-and-descriptors),
///   [descriptors of a closure](Builder#descriptors-of-a-closure);
/// - [session and signals](Builder#session-and-signals), [console](Builder#console);
/// - [limits](Builder#limits), [cgroup](Builder#cgroup);
/// - [privileges](Builder#privileges), [filter options](Builder#filter-options), [keyring](Builder#keyring);
/// - [init](Builder#init), [daemon](Builder#daemon), [parked start](Builder#parked-start);
/// - [lifecycle](Builder#lifecycle), [memory](Builder#memory);
/// - hooks [in the caller](Builder#hooks-in-the-caller) and
///   [in the child](Builder#hooks-in-the-child).
///
/// # Examples
/// ```
/// use ns_process::{Container, Namespace};
///
/// let mut container = Container::new("id");
/// container.arg("-u").namespaces([Namespace::User, Namespace::Pid]).map_zero();
/// println!("{}", container.plan()?.describe());
/// assert_eq!(container.output()?.stdout, b"0\n");
/// # Ok::<(), ns_process::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder<Kind> {
    pub(crate) name: Arc<str>,
    pub(crate) program: OsString,
    /// The file of the program, if it is given by a descriptor.
    pub(crate) program_fd: Option<Arc<OwnedFd>>,
    pub(crate) arg0: Option<OsString>,
    /// Runs instead of the program.
    pub(crate) closure: Option<Closure>,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: EnvironmentConfig,
    /// New namespaces; for an `Inject`, the selected ones of the target.
    pub(crate) namespaces: NamespaceFlags,
    /// The kinds that an `Inject` does not join.
    pub(crate) without: NamespaceFlags,
    pub(crate) join: Join,
    pub(crate) memory: Memory,
    pub(crate) init: Option<Init>,
    pub(crate) gate: Option<Arc<OwnedFd>>,
    pub(crate) daemon: Option<Daemon>,
    pub(crate) flags: CloneFlags,
    pub(crate) cgroup: Option<Arc<OwnedFd>>,
    pub(crate) cgroup_tasks: Vec<Arc<OwnedFd>>,
    pub(crate) hooks: Hooks,
    pub(crate) pivot_hooks: Hooks,
    pub(crate) child_hooks: ChildHooks,
    pub(crate) lifetime: Lifetime,
    pub(crate) maps: MapConfig,
    pub(crate) ids: IdConfig,
    pub(crate) offsets: Vec<Offset>,
    pub(crate) session: Session,
    pub(crate) console: Console,
    pub(crate) root: RootConfig,
    pub(crate) streams: StreamConfig,
    pub(crate) names: Names,
    /// The name and the value of each kernel parameter.
    pub(crate) sysctls: Vec<(String, String)>,
    pub(crate) limits: LimitConfig,
    pub(crate) scheduling: SchedulingConfig,
    pub(crate) privileges: PrivilegeConfig,
    pub(crate) keyring: Option<KeyringConfig>,
    /// Errors of setters; a start reports the first.
    pub(crate) errors: Vec<String>,
    kind: PhantomData<fn() -> Kind>,
}

impl<Kind> Builder<Kind> {
    fn with_program(kind: &str, program: OsString) -> Self {
        Self {
            name: next_name(kind),
            program,
            program_fd: None,
            arg0: None,
            closure: None,
            args: Vec::new(),
            env: EnvironmentConfig::default(),
            namespaces: NamespaceFlags::empty(),
            without: NamespaceFlags::empty(),
            join: Join::default(),
            memory: Memory::default(),
            init: None,
            gate: None,
            daemon: None,
            flags: CloneFlags::empty(),
            cgroup: None,
            cgroup_tasks: Vec::new(),
            hooks: Hooks::default(),
            pivot_hooks: Hooks::default(),
            child_hooks: ChildHooks::default(),
            lifetime: Lifetime::default(),
            maps: MapConfig::default(),
            ids: IdConfig::default(),
            offsets: Vec::new(),
            session: Session::default(),
            console: Console::default(),
            root: RootConfig::default(),
            streams: StreamConfig::default(),
            names: Names::default(),
            sysctls: Vec::new(),
            limits: LimitConfig::default(),
            scheduling: SchedulingConfig::default(),
            privileges: PrivilegeConfig::default(),
            keyring: None,
            errors: Vec::new(),
            kind: PhantomData,
        }
    }
}

/// A label that is unique in this process.
fn next_name(kind: &str) -> Arc<str> {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}-{}", COUNT.fetch_add(1, Ordering::Relaxed)).into()
}
