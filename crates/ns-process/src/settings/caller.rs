//! The credentials of the calling thread.

use std::sync::OnceLock;

use rustix::process::{getegid, geteuid, getgid, getuid};
use rustix::thread::{CapabilitySet, capabilities};

use crate::hint::machine;

/// The credentials of the calling thread. The IDs are those in its own user namespace.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    effective: CapabilitySet,
    permitted: CapabilitySet,
    /// Effective uid and gid, read on first use.
    ids: OnceLock<(u32, u32)>,
}

impl Caller {
    pub(crate) fn current() -> Self {
        // If the sets are unknown, assume all: the kernel reports a missing capability.
        let all = CapabilitySet::all();
        let sets = capabilities(None).map(|sets| (sets.effective, sets.permitted));
        let (effective, permitted) = sets.unwrap_or((all, all));
        Self { effective, permitted, ids: OnceLock::new() }
    }

    pub(crate) fn euid(&self) -> u32 {
        self.ids().0
    }

    pub(crate) fn egid(&self) -> u32 {
        self.ids().1
    }

    fn ids(&self) -> (u32, u32) {
        *self.ids.get_or_init(|| (geteuid().as_raw(), getegid().as_raw()))
    }

    pub(crate) fn has(&self, capability: CapabilitySet) -> bool {
        self.effective.contains(capability)
    }

    /// Whether the caller has capabilities that a process could gain by tracing the child.
    pub(crate) fn is_privileged(&self) -> bool {
        !self.permitted.is_empty()
    }

    /// Whether the caller can open files of root in `/proc/PID` of its own child.
    pub(crate) fn opens_files_of_root(&self) -> bool {
        self.has(CapabilitySet::DAC_OVERRIDE) || self.euid() == 0
    }

    /// Whether setgroups(2) is permitted: a user namespace may deny it to all processes.
    pub(crate) fn may_drop_groups(&self) -> bool {
        let denied = machine::value("/proc/self/setgroups").is_some_and(|state| state == "deny");
        self.has(CapabilitySet::SETGID) && !denied
    }

    /// Whether the real and the effective uid are both `uid`. The saved uid does not matter, because execve(2) sets it to
    /// the effective uid.
    pub(crate) fn is_user(&self, uid: u32) -> bool {
        self.euid() == uid && getuid().as_raw() == uid
    }

    /// Whether real and effective gid are `gid`.
    pub(crate) fn is_group(&self, gid: u32) -> bool {
        self.egid() == gid && getgid().as_raw() == gid
    }
}
