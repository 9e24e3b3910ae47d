//! What a start needs of the caller's dumpable flag, which belongs to the memory that the child shares.

use ns_sys::NamespaceFlags;

use super::Plan;
use crate::hint::machine;

/// The flag of prctl(2) `PR_SET_DUMPABLE`. While it is clear, tracing needs `CAP_SYS_PTRACE` over the memory's
/// own user namespace, and the files of the process in proc belong to root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dumpable {
    /// As it is.
    AsIs,
    /// Not cleared until the maps are written.
    KeptForMaps,
    /// The same, and clear from then on.
    ClearedAtGo,
    /// Clear from the clone on.
    Cleared,
    /// Neither value will do: the child needs memory of its own, and a flag with it.
    Own,
}

/// The flag of a child that has memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnDumpable {
    /// Set before anything else.
    pub(crate) first: bool,
    /// Whether it is cleared once the maps are written.
    pub(crate) cleared_at_go: bool,
}

impl Plan {
    /// For a child that enters the namespaces `joined`, and is not in those already.
    ///
    /// - A child that enters namespaces may be traced by their owner; one of a caller with privilege by every
    ///   process that owns the new user namespace, which each process of the caller's user does, or that has the
    ///   capabilities which the child keeps.
    /// - A caller without privilege cannot open the maps of a child whose flag is clear.
    /// - A child that changes its ids clears the flag that it shares. A program beside an init can trace
    ///   process 1 while that one still has the memory.
    pub(crate) fn dumpable(&self, joined: NamespaceFlags) -> Dumpable {
        let at_go = self.changes_ids() || self.init.is_some() || a_dump_ends_sharers();
        match (self.is_secret(joined), self.writes_maps()) {
            (true, true) if self.needs_own_files() => Dumpable::Own,
            (true, _) => Dumpable::Cleared,
            (false, true) if at_go => Dumpable::ClearedAtGo,
            (false, true) => Dumpable::KeptForMaps,
            (false, false) if at_go => Dumpable::Cleared,
            (false, false) => Dumpable::AsIs,
        }
    }

    /// The same for a child with memory of its own. `own` is the caller's flag while no start has cleared it;
    /// `for_maps` that maps could not be written otherwise.
    pub(crate) fn own_dumpable(
        &self,
        joined: NamespaceFlags,
        own: bool,
        for_maps: bool,
    ) -> OwnDumpable {
        let secret = self.is_secret(joined);
        let for_maps = for_maps || self.writes_maps() && self.needs_own_files();
        let first = own && (for_maps || !secret);
        // A closure in there has the same memory as its process 1.
        let init_process = self.init.is_some() && self.work.closure().is_none();
        OwnDumpable { first, cleared_at_go: first && (secret || init_process) }
    }

    /// Whether others who could not trace the caller may be able to trace the child.
    fn is_secret(&self, joined: NamespaceFlags) -> bool {
        let is_open =
            self.namespaces().contains(NamespaceFlags::USER) || self.privileges.are_narrowed();
        !joined.is_empty() || self.caller.is_privileged() && is_open
    }

    /// Whether whoever writes the maps cannot open files of root.
    fn needs_own_files(&self) -> bool {
        !self.caller.opens_files_of_root() || self.maps.have_helpers() && self.caller.euid() != 0
    }

    /// Whether the child becomes another user or group.
    fn changes_ids(&self) -> bool {
        let ids = self.ids.child();
        ids.zero_uid || ids.zero_gid || ids.uid.is_some() || ids.gid.is_some()
    }
}

/// Whether a core dump of a child in the caller's memory ends the caller too, unless the flag is clear: before
/// Linux 5.16 the kernel ends all processes with that memory, whatever the limit of core files is.
fn a_dump_ends_sharers() -> bool {
    machine::kernel().is_some_and(|version| version < (5, 16))
}
