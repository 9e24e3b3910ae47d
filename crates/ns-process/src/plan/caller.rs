//! Who starts.

use rustix::process::{getegid, geteuid, getgid, getuid};
use rustix::thread::{CapabilitySet, capabilities};

use crate::hint::machine;

/// The calling thread, in its own user namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    effective: CapabilitySet,
    permitted: CapabilitySet,
}

impl Caller {
    pub(super) fn current() -> Self {
        // Unknown counts as having all: what it lacks the kernel will say.
        let all = CapabilitySet::all();
        let sets = capabilities(None).map(|sets| (sets.effective, sets.permitted));
        let (effective, permitted) = sets.unwrap_or((all, all));
        Self { effective, permitted }
    }

    pub(super) fn euid() -> u32 {
        geteuid().as_raw()
    }

    pub(super) fn egid() -> u32 {
        getegid().as_raw()
    }

    pub(super) fn has(self, capability: CapabilitySet) -> bool {
        self.effective.contains(capability)
    }

    /// Whether it has what nobody is to take from it by way of the child.
    pub(crate) fn is_privileged(self) -> bool {
        !self.permitted.is_empty()
    }

    /// Whether setgroups(2) works for it: a user namespace may deny it to everybody.
    pub(super) fn may_drop_groups(self) -> bool {
        let denied = machine::value("/proc/self/setgroups").is_some_and(|state| state == "deny");
        self.has(CapabilitySet::SETGID) && !denied
    }

    /// Whether real and effective uid are `uid`; the saved one follows when a program is executed.
    pub(super) fn is_user(uid: u32) -> bool {
        Self::euid() == uid && getuid().as_raw() == uid
    }

    /// As [`is_user`](Self::is_user), of the gid.
    pub(super) fn is_group(gid: u32) -> bool {
        Self::egid() == gid && getgid().as_raw() == gid
    }
}
