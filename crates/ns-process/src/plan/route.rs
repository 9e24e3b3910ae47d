//! Decides how the child is made: in shared or copied memory, directly or by way of an intermediate process.

use ns_sys::{CloneFlags, NamespaceFlags};

use super::{Dumpable, Plan};
use crate::in_child::Dispositions;
use crate::settings::{Daemon, Memory};

/// The flags that refer to the calling process. With an intermediate process, they would refer to that process.
pub(super) const OF_CALLER: CloneFlags =
    CloneFlags::FS.union(CloneFlags::IO).union(CloneFlags::SYSVSEM).union(CloneFlags::PARENT);

/// The memory in which the child runs its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildMemory {
    /// The caller's own (`CLONE_VM`).
    Shared,
    /// A copy, made by clone3 without `CLONE_VM`.
    Cloned,
    /// A copy, made by libc's fork.
    Forked,
}

/// What the intermediate process does once it has made the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intermediate {
    /// It exits. The child is a child of the caller (`CLONE_PARENT`).
    Exits,
    /// It stays until the child has started; then init adopts the child.
    Stays,
}

/// How a child is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) memory: ChildMemory,
    pub(crate) intermediate: Option<Intermediate>,
}

impl Route {
    pub(crate) fn copies_memory(self) -> bool {
        self.memory != ChildMemory::Shared
    }

    pub(crate) fn has_intermediate(self) -> bool {
        self.intermediate.is_some()
    }

    /// Whether the intermediate process continues once it has reported the child's process ID.
    pub(crate) fn intermediate_reports(self) -> bool {
        match self.intermediate {
            None => false,
            Some(Intermediate::Exits) => self.memory == ChildMemory::Forked,
            Some(Intermediate::Stays) => true,
        }
    }
}

impl Plan {
    /// The route of a child that joins the namespaces `joined`. With `copy`, the memory is copied even if it could be
    /// shared.
    pub(crate) fn route(&self, joined: NamespaceFlags, copy: bool) -> Route {
        let memory = if self.forks() {
            ChildMemory::Forked
        } else if copy || self.must_copy(joined) {
            ChildMemory::Cloned
        } else {
            ChildMemory::Shared
        };
        // A joined pid namespace applies to the children of the process that joins it.
        let joins = joined.contains(NamespaceFlags::PID)
            || !joined.is_empty() && !self.namespaces().is_empty();
        let is_needed = match memory {
            ChildMemory::Shared => joins,
            ChildMemory::Cloned => true,
            ChildMemory::Forked => !self.forks_child_directly(),
        };
        let intermediate = match self.daemon {
            Some(Daemon::OfInit) => Some(Intermediate::Stays),
            Some(Daemon::OfCaller) => Some(Intermediate::Exits),
            None => is_needed.then_some(Intermediate::Exits),
        };
        Route { memory, intermediate }
    }

    /// The route as expected before the target is opened: the caller's own namespaces are not left out yet.
    pub(super) fn expected_route(&self) -> Route {
        self.route(self.join.kinds(), false)
    }

    /// Whether shared memory is impossible: setns(2) refuses to join a time namespace with shared memory, the dumpable
    /// flag would need both values, or a setting would change the caller as well.
    fn must_copy(&self, joined: NamespaceFlags) -> bool {
        joined.contains(NamespaceFlags::TIME)
            || self.limits.need_own_memory()
            || self.dumpable(joined) == Dumpable::Own
    }

    /// Whether libc forks: for hooks and closures in the child, where libc's locks must be free, and for
    /// `Memory::Copied`, because emulators support nothing else.
    pub(crate) fn forks(&self) -> bool {
        let runs_code = self.work.closure().is_some() || !self.child_hooks.is_empty();
        runs_code || self.memory == Memory::Copied
    }

    /// Whether the process that libc forks is the child itself. A new or joined pid namespace applies only to further
    /// children, and only clone3(2) takes a cgroup or `CLONE_PTRACE`.
    fn forks_child_directly(&self) -> bool {
        let pids = (self.namespaces() | self.join.kinds()).contains(NamespaceFlags::PID);
        let needs_clone = pids || self.cgroup.is_some() || self.flags.contains(CloneFlags::PTRACE);
        self.forks() && !needs_clone && self.daemon.is_none()
    }

    /// Whether the child will be reparented to init, or to a subreaper, when the intermediate process exits.
    pub(crate) fn is_reparented(&self) -> bool {
        self.daemon == Some(Daemon::OfInit)
    }

    /// Whether the child is forked with the exit signal SIGCHLD and will execute a program: then the `__WCLONE` probe
    /// cannot show whether it did.
    pub(crate) fn has_exit_signal(&self) -> bool {
        self.forks() && (self.work.program().is_some() || self.init.is_some())
    }

    /// Which signal dispositions of the caller the child resets.
    pub(crate) fn dispositions(&self) -> Dispositions {
        match self.session.inherit_ignored || self.work.closure().is_some() {
            false => Dispositions::All,
            true if self.forks_child_directly() => Dispositions::Handled,
            true => Dispositions::Kept,
        }
    }

    /// The namespaces that the child creates with unshare(2), in its own copy of the memory.
    pub(crate) fn made_inside(&self) -> NamespaceFlags {
        if self.forks_child_directly() {
            return self.namespaces();
        }
        let time = if self.forks() { NamespaceFlags::TIME } else { NamespaceFlags::empty() };
        self.namespaces() & time
    }

    /// The namespaces that the child creates once it has moved itself: the root of a cgroup namespace is the cgroup in
    /// which its creator is.
    pub(crate) fn made_after_move(&self) -> NamespaceFlags {
        let is_late = !self.cgroup_tasks.is_empty() && !self.forks_child_directly();
        if is_late { self.namespaces() & NamespaceFlags::CGROUP } else { NamespaceFlags::empty() }
    }

    /// The namespaces that the child creates again if a hook has moved it to another cgroup.
    pub(crate) fn made_again(&self) -> NamespaceFlags {
        let cgroup = NamespaceFlags::CGROUP;
        if self.hooks.0.is_empty() { NamespaceFlags::empty() } else { self.namespaces() & cgroup }
    }

    /// The flags with which the child is created.
    pub(crate) fn clone_flags(&self) -> CloneFlags {
        self.flags - CloneFlags::from(self.made_after_move())
    }

    /// The flags with which pid 1 of an init clones the program's process. The namespaces exist already. Hooks and
    /// closures need a copy of the memory.
    pub(crate) fn flags_under_init(&self) -> CloneFlags {
        let shared = CloneFlags::VM | CloneFlags::CHILD_CLEARTID;
        let removed = if self.forks() { shared } else { CloneFlags::empty() };
        self.flags - CloneFlags::from(self.namespaces()) - CloneFlags::PARENT - removed
    }

    /// Whether memory may be copied although that was not requested.
    pub(crate) fn can_be_copied(&self) -> bool {
        !self.flags.intersects(OF_CALLER | CloneFlags::PTRACE)
    }
}
