//! Who starts.

use std::sync::OnceLock;

use rustix::process::{getegid, geteuid, getgid, getuid};
use rustix::thread::{CapabilitySet, capabilities};

use crate::hint::machine;

/// The calling thread, in its own user namespace.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    effective: CapabilitySet,
    permitted: CapabilitySet,
    /// Effective uid and gid, for the starts that ask for them.
    ids: OnceLock<(u32, u32)>,
}

impl Caller {
    pub(crate) fn current() -> Self {
        // Unknown counts as having all: what it lacks the kernel will say.
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

    /// Whether it has what nobody is to take from it by way of the child.
    pub(crate) fn is_privileged(&self) -> bool {
        !self.permitted.is_empty()
    }

    /// Whether it can open files in proc of a process of its own that belong to root.
    pub(crate) fn opens_files_of_root(&self) -> bool {
        self.has(CapabilitySet::DAC_OVERRIDE) || self.euid() == 0
    }

    /// Whether setgroups(2) works for it: a user namespace may deny it to everybody.
    pub(crate) fn may_drop_groups(&self) -> bool {
        let denied = machine::value("/proc/self/setgroups").is_some_and(|state| state == "deny");
        self.has(CapabilitySet::SETGID) && !denied
    }

    /// Whether real and effective uid are `uid`; the saved one follows when a program is executed.
    pub(crate) fn is_user(&self, uid: u32) -> bool {
        self.euid() == uid && getuid().as_raw() == uid
    }

    /// As [`is_user`](Self::is_user), of the gid.
    pub(crate) fn is_group(&self, gid: u32) -> bool {
        self.egid() == gid && getgid().as_raw() == gid
    }
}
