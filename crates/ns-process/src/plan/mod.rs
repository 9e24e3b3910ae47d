//! The checked settings of a start, complete before the clone.

mod checks;
mod describe;
mod dumpable;
mod joined;
mod route;

use std::format;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{CloneFlags, Namespace, NamespaceFlags};

pub use describe::Description;
pub(crate) use dumpable::{Dumpable, OwnDumpable};
pub(crate) use route::{Intermediate, Route};

use crate::error::Error;
use crate::settings::{
    Builder, Caller, ChildHooks, Console, Daemon, Hooks, Ids, Init, Join, Keyring, Lifetime,
    Limits, Maps, Memory, Names, Privileges, Root, Scheduling, Session, Streams, Sysctls, Work,
};
use crate::step::Step;
use crate::target::TargetSpec;

/// The checked settings of a start. [`describe`](Plan::describe) lists its steps.
#[derive(Debug)]
pub struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) work: Work,
    pub(crate) flags: CloneFlags,
    pub(crate) cgroup: Option<Arc<OwnedFd>>,
    /// The files of cgroups to which the child moves itself.
    pub(crate) cgroup_tasks: Vec<Arc<OwnedFd>>,
    pub(crate) hooks: Hooks,
    /// Those that run between the mounts and the change of root.
    pub(crate) pivot_hooks: Hooks,
    pub(crate) child_hooks: ChildHooks,
    pub(crate) lifetime: Lifetime,
    pub(crate) caller: Caller,
    pub(crate) join: Join,
    pub(crate) memory: Memory,
    pub(crate) init: Option<Init>,
    /// The listening socket that releases the process.
    pub(crate) gate: Option<Arc<OwnedFd>>,
    pub(crate) daemon: Option<Daemon>,
    pub(crate) maps: Maps,
    pub(crate) ids: Ids,
    pub(crate) time_offsets: Option<String>,
    pub(crate) session: Session,
    pub(crate) console: Console,
    pub(crate) root: Root,
    pub(crate) streams: Streams,
    pub(crate) names: Names,
    pub(crate) sysctls: Sysctls,
    pub(crate) limits: Limits,
    pub(crate) scheduling: Scheduling,
    pub(crate) privileges: Privileges,
    pub(crate) keyring: Option<Keyring>,
}

/// # Plan
///
/// Checks the settings.
impl<Kind> Builder<Kind> {
    /// Checks all settings, without starting anything.
    ///
    /// # Errors
    /// The first invalid setting, with the name of its setter.
    pub fn plan(&self) -> Result<Plan, Error> {
        match Arc::into_inner(self.shared_plan()?) {
            Some(plan) => Ok(plan),
            None => unreachable!("no attempt has begun"),
        }
    }

    /// The plan of a start, which all its attempts share.
    pub(crate) fn shared_plan(&self) -> Result<Arc<Plan>, Error> {
        let invalid = |message: String| Error::new(&self.name, Step::Check).with_object(message);
        checks::all(self).map_err(invalid)?;
        let join = self.join.checked(self.namespaces, self.without).map_err(invalid)?;
        let namespaces =
            if join.target.is_some() { NamespaceFlags::empty() } else { self.namespaces };
        let caller = Caller::current();
        let new = join.target.is_none().then_some(namespaces);
        let maps = Maps::new(&self.maps, new, &caller)
            .map_err(|(step, message)| Error::new(&self.name, step).with_object(message))?;
        let ids = Ids::new(&self.ids, &maps, namespaces, join.kinds(), &caller).map_err(invalid)?;
        let flags = with_base_flags(self.flags) | namespaces.into();
        let joined = (join.kinds(), join.from_target.privileges);
        let is_root = self.privileges.filter.is_some() && caller.euid() == 0;
        let privileges = Privileges::new(&self.privileges, namespaces, ids.uid, joined, is_root);
        let privileges = privileges.map_err(invalid)?;
        let limits = Limits::new(&self.limits, &maps.proc, self.daemon.is_some());
        let limits = limits.map_err(invalid)?;
        let kinds = namespaces | join.kinds();
        let names = self.names.checked(kinds).map_err(invalid)?;
        let sysctls = Sysctls::new(&self.sysctls, kinds).map_err(invalid)?;
        let console = self.checked_console(namespaces).map_err(invalid)?;
        let session = self.session.checked(self.daemon.is_some(), console.is_set());
        let scheduling = Scheduling::new(&self.scheduling, self.limits.nice).map_err(invalid)?;
        Ok(Arc::new(Plan {
            name: Arc::clone(&self.name),
            work: Work::new(self).map_err(invalid)?,
            flags,
            cgroup: self.cgroup.clone(),
            cgroup_tasks: self.cgroup_tasks.clone(),
            hooks: self.hooks.clone(),
            pivot_hooks: self.pivot_hooks.clone(),
            child_hooks: self.child_hooks.clone(),
            lifetime: self.lifetime,
            caller,
            join,
            memory: self.memory,
            init: self.checked_init(namespaces).map_err(invalid)?,
            gate: self.gate.clone(),
            daemon: self.checked_daemon().map_err(invalid)?,
            maps,
            ids,
            time_offsets: self.checked_offsets(namespaces).map_err(invalid)?,
            session: session.map_err(invalid)?,
            root: Root::new(&self.root, namespaces, !self.pivot_hooks.0.is_empty())
                .map_err(invalid)?,
            streams: Streams::new(
                &self.streams,
                self.flags,
                (self.closure.is_some(), self.daemon.is_some()),
                console.is_set(),
            )
            .map_err(invalid)?,
            console,
            names,
            sysctls,
            scheduling,
            limits,
            privileges,
            keyring: self.keyring.as_ref().map(Keyring::new).transpose().map_err(invalid)?,
        }))
    }
}

impl Plan {
    /// The plan before any attempt shares it.
    pub(crate) fn sole(plan: &mut Arc<Self>) -> &mut Self {
        Arc::get_mut(plan).expect("no attempt has begun")
    }

    /// The target and namespace files to open.
    pub(crate) fn spec(&self) -> TargetSpec<'_> {
        TargetSpec { name: &self.name, proc: &self.maps.proc, join: &self.join }
    }

    /// Whether the child joins optimistically; the target is inspected only if the child's checks then fail.
    ///
    /// This needs a start that depends on no property of the target, and that calls none of the caller's hooks, which
    /// a second attempt would call again.
    pub(crate) fn joins_optimistically(&self) -> bool {
        let joins = self.join.target.is_some() && self.join.files.is_empty();
        let alone = joins && !self.join.from_target.anything() && self.namespaces().is_empty();
        let simple = alone && !self.needs_go() && self.daemon.is_none() && self.init.is_none();
        let changes_ids = self.ids.change_user_or_group() || self.ids.groups.is_some();
        let changes_namespaces = self.outside(NamespaceFlags::empty()).is_some();
        simple
            && !changes_namespaces
            && self.memory == Memory::Auto
            && !changes_ids
            && !self.limits.need_own_memory()
    }

    /// The error if the start would change a namespace of the caller, because the child already is in a namespace to
    /// join. `joined`: the namespaces that it does join.
    pub(crate) fn refuse_own_namespaces(&self, joined: NamespaceFlags) -> Result<(), Error> {
        let Some((setter, kind)) = self.outside(self.namespaces() | joined) else { return Ok(()) };
        let object = format!("{setter}: the {kind} namespace to join is the caller's own");
        Err(Error::new(&self.name, Step::Check).with_object(object))
    }

    /// A setter that changes a namespace which is not among `namespaces`, and the kind of that namespace.
    fn outside(&self, namespaces: NamespaceFlags) -> Option<(&'static str, Namespace)> {
        self.names.outside(namespaces).or_else(|| self.sysctls.outside(namespaces))
    }

    /// The new namespaces of the child.
    pub(crate) fn namespaces(&self) -> NamespaceFlags {
        NamespaceFlags::from_bits_truncate(self.flags.bits())
    }

    /// Whether the parent writes ID maps of the child.
    pub(crate) fn writes_maps(&self) -> bool {
        self.maps.are_written()
    }

    /// Whether the parent writes files of the child in proc.
    pub(crate) fn writes_files(&self) -> bool {
        self.writes_maps() || self.time_offsets.is_some()
    }

    /// Whether the child has to wait for the release by the parent.
    pub(crate) fn needs_go(&self) -> bool {
        self.writes_files()
            || self.join.from_target.cgroup
            || !self.hooks.0.is_empty()
            || !self.pivot_hooks.0.is_empty()
            || self.forks()
    }

    /// Whether the child watches the thread that started it.
    pub(crate) fn watches_parent(&self) -> bool {
        self.needs_go() || self.session.die_with_parent.is_some()
    }
}

/// Adds the flags of every start in shared memory to the requested ones.
///
/// - `UNTRACED`, unless `PTRACE` is requested: a debugger of the caller would lose its breakpoints, which are in the
///   shared memory.
/// - Without `VFORK`, which would suspend the caller before it could write the ID maps.
/// - Without `FILES`, which would last only until exec: exec gives the program its own descriptor table.
fn with_base_flags(requested: CloneFlags) -> CloneFlags {
    let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let traced = if requested.contains(CloneFlags::PTRACE) {
        CloneFlags::PTRACE
    } else {
        CloneFlags::UNTRACED
    };
    base | traced | requested.difference(CloneFlags::VFORK | CloneFlags::FILES)
}
