//! A checked wish: everything a start needs, made before the clone.

mod caller;
mod checks;
mod daemon;
mod describe;
mod describe_leaving;
mod dumpable;
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
pub(crate) use dumpable::{Dumpable, OwnDumpable};
pub(crate) use join::Join;
pub(crate) use program::Program;
pub(crate) use stdio::refused_stream;
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
        let is_root = wish.privileges.filter.is_some() && caller.euid() == 0;
        let privileges =
            Privileges::new(&wish.privileges, namespaces, ids.last_uid(), entered, is_root);
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
                wish.flags,
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
    /// where nothing depends on what it is like, and nothing of the caller's would be called twice.
    pub(crate) fn enters_the_usual(&self) -> bool {
        let enters = self.join.target.is_some() && self.join.files.is_empty();
        let alone = enters && !self.join.follow.anything() && self.namespaces().is_empty();
        let simple = alone && !self.needs_go() && self.daemon.is_none() && self.init.is_none();
        simple && self.memory == Memory::Auto && !self.ids.change_anything()
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

    /// Whether libc forks: for code of the caller's in the child, so that libc's locks are free there, and for
    /// `Memory::Copied`, because emulators know no other way.
    pub(crate) fn forks(&self) -> bool {
        let runs_code = self.work.closure().is_some() || !self.child_hooks.is_empty();
        runs_code || self.memory == Memory::Copied
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
        self.must_copy(self.join.kinds())
    }

    /// The same for a child that enters the namespaces `joined`.
    pub(crate) fn must_copy(&self, joined: NamespaceFlags) -> bool {
        let enters_time = joined.contains(NamespaceFlags::TIME);
        self.forks() || enters_time || self.dumpable(joined) == Dumpable::Own
    }

    /// Whether a process between makes the child, as far as is known then.
    pub(crate) fn has_middle(&self) -> bool {
        self.needs_middle(self.join.kinds(), self.copies_memory())
    }

    /// Whether another process makes the child: the one with the copy of memory, or one that enters the
    /// namespaces `joined` and makes it in there, or leaves the caller's session.
    pub(crate) fn needs_middle(&self, joined: NamespaceFlags, copied: bool) -> bool {
        let both = !joined.is_empty() && !self.namespaces().is_empty();
        let enters = joined.contains(NamespaceFlags::PID) || both;
        !self.is_forks_child() && (copied || self.daemon.is_some() || enters)
    }

    /// Whether it says when the child is made, and goes on meanwhile.
    pub(crate) fn has_middle_that_tells(&self) -> bool {
        self.has_middle() && (self.forks() || self.is_reparented())
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
/// `FILES` would last until exec, which gives the program a table of its own.
fn mechanism(wished: CloneFlags) -> CloneFlags {
    let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let traced =
        if wished.contains(CloneFlags::PTRACE) { CloneFlags::PTRACE } else { CloneFlags::UNTRACED };
    base | traced | wished.difference(CloneFlags::VFORK | CloneFlags::FILES)
}
