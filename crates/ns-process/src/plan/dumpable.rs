//! The requirement of a start on the caller's dumpable flag, which belongs to the shared address space.

use ns_sys::NamespaceFlags;

use super::Plan;
use crate::hint::machine;

/// The requirement on the flag of prctl(2) `PR_SET_DUMPABLE`.
///
/// While the flag is clear, tracing needs `CAP_SYS_PTRACE` over the user namespace of the address space, and root owns
/// the files of the process in proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dumpable {
    /// Any value will do.
    AsIs,
    /// Not cleared until the ID maps are written.
    KeptForMaps,
    /// Not cleared until the ID maps are written, and clear from then on.
    ClearedAtGo,
    /// Clear from the clone on.
    Cleared,
    /// Neither value will do: the child needs a copy of the memory, which has its own flag.
    Own,
}

/// The flag of a child with its own copy of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnDumpable {
    /// The value that is set first.
    pub(crate) first: bool,
    /// Whether the flag is cleared once the ID maps are written.
    pub(crate) cleared_at_go: bool,
}

impl Plan {
    /// The requirement of a child in shared memory that joins `joined`, without the namespaces it is already in.
    ///
    /// - The owner of a joined namespace may trace the child. A child of a privileged caller may be traced by every
    ///   process that owns its new user namespace, as all processes of the caller's user do, or that has the
    ///   capabilities that the child keeps. The flag must be clear.
    /// - An unprivileged caller cannot open the map files of a child whose flag is clear. The flag must stay set.
    /// - A child that changes its IDs makes the kernel clear the shared flag. A program under an init can trace pid 1
    ///   while pid 1 still has the memory. The flag must be clear once the maps are written.
    pub(crate) fn dumpable(&self, joined: NamespaceFlags) -> Dumpable {
        let changes_ids = self.ids.change_user_or_group();
        let at_release = changes_ids || self.init.is_some() || dump_kills_caller();
        match (self.is_secret(joined), self.writes_maps()) {
            (true, true) if self.needs_own_files() => Dumpable::Own,
            (true, _) => Dumpable::Cleared,
            (false, true) if at_release => Dumpable::ClearedAtGo,
            (false, true) => Dumpable::KeptForMaps,
            (false, false) if at_release => Dumpable::Cleared,
            (false, false) => Dumpable::AsIs,
        }
    }

    /// Whether the caller of a child in shared memory waits for the name of the program, also if no lock is taken.
    ///
    /// - Exec joins a new time namespace after it has left the memory.
    /// - The kernel announces that a child leaves the memory shortly before the child leaves it. In between, another
    ///   start may clear the flag, and then an unprivileged caller may not join the namespaces of the program.
    pub(crate) fn awaits_name_in_shared_memory(&self, flag: Dumpable) -> bool {
        self.namespaces().contains(NamespaceFlags::TIME) || flag == Dumpable::KeptForMaps
    }

    /// The flag of a child that joins `joined` with its own copy of the memory.
    ///
    /// `own` is the flag that the program has set, without the temporary change by a start. With `for_maps`, the maps
    /// could not be written while the flag was clear.
    pub(crate) fn own_dumpable(
        &self,
        joined: NamespaceFlags,
        own: bool,
        for_maps: bool,
    ) -> OwnDumpable {
        let secret = self.is_secret(joined);
        let for_maps = for_maps || self.writes_maps() && self.needs_own_files();
        let first = own && (for_maps || !secret);
        // A closure under an init has the same memory as pid 1, so tracing pid 1 reveals nothing more.
        let init_process = self.init.is_some() && self.work.closure().is_none();
        OwnDumpable { first, cleared_at_go: first && (secret || init_process) }
    }

    /// Whether a process that cannot trace the caller might be able to trace the child.
    fn is_secret(&self, joined: NamespaceFlags) -> bool {
        let is_open =
            self.namespaces().contains(NamespaceFlags::USER) || self.privileges.are_narrowed();
        !joined.is_empty() || self.caller.is_privileged() && is_open
    }

    /// Whether the process that writes the maps, the caller or a helper, cannot open files that root owns.
    fn needs_own_files(&self) -> bool {
        !self.caller.opens_files_of_root() || self.maps.have_helpers() && self.caller.euid() != 0
    }
}

/// Whether a core dump of the child in shared memory would kill the caller too, unless the flag is clear.
///
/// Before Linux 5.16 a dump kills every process with that address space, regardless of `RLIMIT_CORE`.
fn dump_kills_caller() -> bool {
    machine::kernel().is_some_and(|version| version < (5, 16))
}
