//! A checked wish: everything a start needs, made before the clone.

mod caller;
mod checks;
mod daemon;
mod describe;
mod environment;
mod ids;
mod init;
mod join;
mod limits;
mod maps;
mod names;
mod objects;
mod privileges;
mod program;
mod root;
mod session;
mod stdio;
mod time;
mod work;

use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{CloneFlags, NamespaceFlags};

pub use describe::Description;
pub(crate) use join::Join;
pub(crate) use program::Program;
pub(crate) use work::Work;

use crate::builder::{Builder, ChildHooks, Daemon, Hooks, Init, Lifetime, Memory};
use crate::error::Error;
use crate::in_child::Dispositions;
use crate::joined::Request;
use crate::step::Step;
use caller::Caller;
use ids::Ids;
use limits::Limits;
use maps::Maps;
use names::Names;
use privileges::Privileges;
use root::Root;
use session::Session;
use stdio::Streams;

/// What a start will do. See [`describe`](Plan::describe).
#[derive(Debug)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) work: Work,
    pub(crate) flags: CloneFlags,
    pub(crate) cgroup: Option<Arc<OwnedFd>>,
    pub(crate) hooks: Hooks,
    pub(crate) child_hooks: ChildHooks,
    pub(crate) lifetime: Lifetime,
    pub(crate) caller: Caller,
    pub(crate) join: Join,
    pub(crate) memory: Memory,
    pub(crate) init: Option<Init>,
    pub(crate) daemon: Option<Daemon>,
    pub(crate) maps: Maps,
    pub(crate) ids: Ids,
    pub(crate) time_offsets: Option<String>,
    pub(crate) session: Session,
    pub(crate) root: Root,
    pub(crate) streams: Streams,
    pub(crate) names: Names,
    pub(crate) limits: Limits,
    pub(crate) privileges: Privileges,
}

impl Plan {
    pub(crate) fn new<Kind>(wish: &Builder<Kind>) -> Result<Self, Error> {
        checks::all(wish)?;
        let mistake = |said: String| Error::new(&wish.name, Step::Check).with_object(said);
        let join = Join::new(&wish.join, wish.namespaces).map_err(mistake)?;
        let namespaces =
            if join.target.is_some() { NamespaceFlags::empty() } else { wish.namespaces };
        let caller = Caller::current();
        let maps = Maps::new(&wish.maps, namespaces, &caller)
            .map_err(|(step, said)| Error::new(&wish.name, step).with_object(said))?;
        let ids = Ids::new(&wish.ids, &maps, namespaces, join.kinds(), &caller).map_err(mistake)?;
        let flags = mechanism(wish.flags) | namespaces.into();
        let entered = (join.kinds(), join.follow.privileges);
        let privileges = Privileges::new(&wish.privileges, namespaces, ids.last_uid(), entered);
        let privileges = privileges.map_err(mistake)?;
        Ok(Self {
            name: wish.name.clone(),
            work: Work::new(wish)?,
            flags,
            cgroup: wish.cgroup.clone(),
            hooks: wish.hooks.clone(),
            child_hooks: wish.child_hooks.clone(),
            lifetime: wish.lifetime,
            caller,
            join,
            memory: wish.memory,
            init: init::checked(wish, namespaces).map_err(mistake)?,
            daemon: daemon::checked(wish).map_err(mistake)?,
            maps,
            ids,
            time_offsets: time::offsets(&wish.offsets, namespaces).map_err(mistake)?,
            session: Session::new(&wish.session, wish.daemon.is_some()).map_err(mistake)?,
            root: Root::new(&wish.root, namespaces).map_err(mistake)?,
            streams: Streams::new(
                &wish.streams,
                flags,
                (wish.closure.is_some(), wish.daemon.is_some()),
            )
            .map_err(mistake)?,
            names: Names::new(&wish.names, namespaces).map_err(mistake)?,
            limits: Limits::new(&wish.limits, wish.daemon.is_some()).map_err(mistake)?,
            privileges,
        })
    }

    /// What is to be opened because it is entered.
    pub(crate) fn request(&self) -> Request<'_> {
        Request { name: &self.name, proc: &self.maps.proc, join: &self.join }
    }

    /// Whether the target may be taken for a usual one, and looked at only if the child finds it otherwise:
    /// where nothing depends on what it is like, and nothing of the caller's would be called or opened twice.
    pub(crate) fn enters_the_usual(&self) -> bool {
        let enters = self.join.target.is_some() && self.join.files.is_empty();
        let alone = enters && !self.join.follow.anything() && self.namespaces().is_empty();
        let simple = alone && !self.needs_go() && self.daemon.is_none() && self.init.is_none();
        let once = simple && !self.streams.opens_paths();
        once && self.memory == Memory::Auto && !self.ids.change_anything()
    }

    /// The namespaces that the child gets new.
    pub(crate) fn namespaces(&self) -> NamespaceFlags {
        NamespaceFlags::from_bits_truncate(self.flags.bits())
    }

    /// Whether the parent writes maps of the child.
    pub(crate) fn writes_maps(&self) -> bool {
        self.maps.are_written()
    }

    /// Whether the parent writes files of the child's in proc.
    pub(crate) fn writes_files(&self) -> bool {
        self.writes_maps() || self.time_offsets.is_some()
    }

    /// Whether the child has to wait until the parent has done something.
    pub(crate) fn needs_go(&self) -> bool {
        self.writes_files() || self.join.follow.cgroup || !self.hooks.0.is_empty() || self.forks()
    }

    /// Whether nobody may trace the child from its first moment on: where it enters, somebody may have
    /// power over it, and through the memory over a caller with privilege anybody of its user.
    pub(crate) fn is_untraced(&self) -> bool {
        self.caller.is_privileged() || !self.join.is_empty()
    }

    /// Whether code of the caller's runs in the child: then libc forks, so that its locks are free there,
    /// and the child has memory of its own.
    pub(crate) fn forks(&self) -> bool {
        self.work.closure().is_some() || !self.child_hooks.is_empty()
    }

    /// Whether what libc forks is the child itself, and makes no other. A pid namespace is only for its
    /// children, a cgroup to begin in and a tracer only for what clone3 makes.
    pub(crate) fn is_forks_child(&self) -> bool {
        let pids = (self.namespaces() | self.join.kinds()).contains(NamespaceFlags::PID);
        let needs_clone = pids || self.cgroup.is_some() || self.flags.contains(CloneFlags::PTRACE);
        self.forks() && !needs_clone && self.daemon.is_none()
    }

    /// Whether what the caller makes has an exit signal from the beginning, as fork gives it, and yet is to
    /// execute a program: then the kernel does not tell whether it did.
    pub(crate) fn has_exit_signal(&self) -> bool {
        self.forks() && (self.work.program().is_some() || self.init.is_some())
    }

    /// Which dispositions of the caller's the child has to give up.
    pub(crate) fn dispositions(&self) -> Dispositions {
        match self.session.inherit_ignored || self.work.closure().is_some() {
            false => Dispositions::All,
            true if self.is_forks_child() => Dispositions::Handled,
            true => Dispositions::Kept,
        }
    }

    /// The namespaces that the child makes itself, where it has memory of its own.
    pub(crate) fn made_inside(&self) -> NamespaceFlags {
        if self.is_forks_child() {
            return self.namespaces();
        }
        let time = if self.forks() { NamespaceFlags::TIME } else { NamespaceFlags::empty() };
        self.namespaces() & time
    }

    /// Whether memory is copied, as far as is known before a target is looked at: it may be in the
    /// caller's own time namespace.
    pub(crate) fn copies_memory(&self) -> bool {
        self.forks()
            || self.memory == Memory::Copied
            || self.join.kinds().contains(NamespaceFlags::TIME)
    }

    /// Whether a process between makes the child, as far as is known then.
    pub(crate) fn has_middle(&self) -> bool {
        let joined = self.join.kinds();
        let both = !joined.is_empty() && !self.namespaces().is_empty();
        let between = self.copies_memory() || self.daemon.is_some();
        !self.is_forks_child() && (between || joined.contains(NamespaceFlags::PID) || both)
    }

    /// Whether it says when the child is made, and goes on meanwhile.
    pub(crate) fn has_middle_that_tells(&self) -> bool {
        self.has_middle() && (self.forks() || self.is_reparented())
    }

    /// Whether nobody may trace the child from go on, in the caller's memory: it becomes somebody else, or is
    /// a pid 1 that the program can see.
    pub(crate) fn goes_untraced(&self) -> bool {
        (self.changes_ids() || self.init.is_some()) && !self.copies_memory()
    }

    /// Whether the child becomes another user or group.
    fn changes_ids(&self) -> bool {
        let ids = self.ids.child();
        ids.zero_uid || ids.zero_gid || ids.uid.is_some() || ids.gid.is_some()
    }

    /// Whether the child has to know the thread that started it.
    pub(crate) fn watches_parent(&self) -> bool {
        self.needs_go() || self.session.watches_parent()
    }
}

/// The flags of every start in shared memory, with those wished for.
///
/// `UNTRACED`, unless it is wished otherwise by `PTRACE`: a debugger of the caller would lose its
/// breakpoints, which the child shares. `VFORK` would stop the caller before it could write maps.
fn mechanism(wished: CloneFlags) -> CloneFlags {
    let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let traced =
        if wished.contains(CloneFlags::PTRACE) { CloneFlags::PTRACE } else { CloneFlags::UNTRACED };
    base | traced | wished.difference(CloneFlags::VFORK)
}
