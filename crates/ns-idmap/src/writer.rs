//! Who is going to write a map.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities, no_new_privs};

use crate::{Delegation, GidMap, ProcError, Setgroups, UidMap};

/// The facts about a writer that decide how it can write a map.
///
/// It is the process that creates the namespace, or another one of its user, outside of it.
/// Plans are computed from these facts alone, so they can be made for somebody else, or in a test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Writer {
    /// The effective user id, which owns the namespace.
    pub euid: u32,
    /// The effective group id.
    pub egid: u32,
    /// What it has over the parent of the new namespace. One who writes from inside has nothing.
    pub capabilities: Capabilities,
    /// The user map of its own namespace: which ids it can name. `None`: not known, not checked.
    pub uid_map: Option<UidMap>,
    /// The group map of its own namespace.
    pub gid_map: Option<GidMap>,
    /// Whether `setgroups` is `allow` in its own namespace; the new one takes it from there.
    pub setgroups_allowed: bool,
    /// `no_new_privs` of `prctl(2)`.
    pub no_new_privs: bool,
    /// What the helpers would write for it.
    pub delegation: Delegation,
}

/// The capabilities that matter to a writer of maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `CAP_SETUID`: any user map.
    pub setuid: bool,
    /// `CAP_SETGID`: any group map.
    pub setgid: bool,
    /// `CAP_SETFCAP`: user maps that have the parent's uid 0 (asked for since Linux 5.12).
    pub setfcap: bool,
}

impl Writer {
    /// An ordinary user without capabilities and without delegated ids, in a namespace of unknown
    /// maps.
    pub fn unprivileged(uid: u32, gid: u32) -> Self {
        Self {
            euid: uid,
            egid: gid,
            capabilities: Capabilities::default(),
            uid_map: None,
            gid_map: None,
            setgroups_allowed: true,
            no_new_privs: false,
            delegation: Delegation::default(),
        }
    }

    /// The calling thread, which is to write for a child it creates.
    ///
    /// Reads the files of `/proc/self`, and, for one who has no `CAP_SETUID` and `CAP_SETGID`,
    /// `/etc/passwd`, `/etc/subuid` and `/etc/subgid`.
    ///
    /// # Errors
    /// `/proc/self` cannot be read.
    pub fn current() -> Result<Self, ProcError> {
        let opened = File::open("/proc/self");
        Self::with_proc(opened.map_err(|source| ProcError::Open {
            file: "/proc/self",
            source,
            why: None,
        })?)
    }

    /// As [`Writer::current`], for one whose proc file system is elsewhere: `proc_self` is its
    /// `self`.
    ///
    /// # Errors
    /// A file below `proc_self` cannot be read.
    pub fn with_proc(proc_self: impl AsFd) -> Result<Self, ProcError> {
        let dir = proc_self.as_fd();
        let mut writer = Self::unprivileged(geteuid().as_raw(), getegid().as_raw());
        writer.capabilities = Capabilities::current();
        writer.uid_map = UidMap::read(dir)?;
        writer.gid_map = GidMap::read(dir)?;
        writer.setgroups_allowed = Setgroups::is_allowed(dir)?;
        writer.no_new_privs = no_new_privs().unwrap_or(false);
        if !(writer.capabilities.setuid && writer.capabilities.setgid) {
            writer.delegation = Delegation::of(writer.euid);
        }
        Ok(writer)
    }
}

impl Capabilities {
    /// Those of the calling thread, which hold over its own user namespace.
    pub fn current() -> Self {
        let effective = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
        Self {
            setuid: effective.contains(CapabilitySet::SETUID),
            setgid: effective.contains(CapabilitySet::SETGID),
            setfcap: effective.contains(CapabilitySet::SETFCAP),
        }
    }
}
