//! The facts about the writer of a map.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities, no_new_privs};

use crate::{Delegation, GidMap, ProcError, Setgroups, UidMap};

/// The facts that decide how a process can write a map.
///
/// The writer is the process that creates the user namespace, or another process of the same user that
/// is outside of it. A plan depends on these facts alone, so it can be made for any process, or in a
/// test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Writer {
    /// The effective user ID, which is the owner of the namespace.
    pub euid: u32,
    /// The effective group ID.
    pub egid: u32,
    /// The capabilities in the parent of the new namespace. A writer inside the new namespace has none.
    pub capabilities: Capabilities,
    /// The user ID map of the writer's namespace. `None` if it is unknown: it is not checked then.
    pub uid_map: Option<UidMap>,
    /// The group ID map of the writer's namespace. `None` if it is unknown: it is not checked then.
    pub gid_map: Option<GidMap>,
    /// Whether `setgroups` is `allow` in the writer's namespace. The new namespace inherits it.
    pub setgroups_allowed: bool,
    /// Whether `no_new_privs` is set, see `prctl(2)`.
    pub no_new_privs: bool,
    /// The IDs that the helpers write for the writer.
    pub delegation: Delegation,
}

/// The capabilities that decide how a process can write a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `CAP_SETUID`: to write any user ID map.
    pub setuid: bool,
    /// `CAP_SETGID`: to write any group ID map.
    pub setgid: bool,
    /// `CAP_SETFCAP`: to map user ID 0 of the parent (since Linux 5.12).
    pub setfcap: bool,
}

impl Writer {
    /// A user without capabilities and without delegated IDs, in a namespace whose maps are unknown.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{Delegation, UidMap, WritePlan, Writer};
    ///
    /// let mut writer = Writer::unprivileged(1000, 1000);
    /// let map: UidMap = "0 100000 65536".parse()?;
    /// assert!(matches!(map.plan(&writer), WritePlan::Impossible(_)));
    /// // If the delegated IDs are unknown, newuidmap decides.
    /// writer.delegation = Delegation::unknown();
    /// assert_eq!(map.plan(&writer), WritePlan::Helper);
    /// # Ok::<(), ns_idmap::ParseError>(())
    /// ```
    pub fn unprivileged(uid: u32, gid: u32) -> Self {
        Self {
            euid: uid,
            egid: gid,
            capabilities: Capabilities::default(),
            uid_map: None,
            gid_map: None,
            setgroups_allowed: true,
            no_new_privs: false,
            delegation: Delegation::none(),
        }
    }

    /// Reads the facts about the calling thread, which is to write the map of its child.
    ///
    /// Reads the files of `/proc/self`. If `CAP_SETUID` or `CAP_SETGID` is missing, also reads
    /// `/etc/passwd`, `/etc/nsswitch.conf`, `/etc/subuid` and `/etc/subgid`. What is not read, or cannot
    /// be read, is [unknown](Delegation).
    ///
    /// # Errors
    /// A file of `/proc/self` cannot be read.
    pub fn current() -> Result<Self, ProcError> {
        let opened = File::open("/proc/self");
        Self::with_proc(opened.map_err(|source| ProcError::Open {
            file: "/proc/self",
            source,
            why: None,
        })?)
    }

    /// As [`Writer::current`], with a proc file system that is not mounted on `/proc`: `proc_self` is
    /// its directory `self`.
    ///
    /// # Errors
    /// A file of `proc_self` cannot be read.
    pub fn with_proc(proc_self: impl AsFd) -> Result<Self, ProcError> {
        let dir = proc_self.as_fd();
        let mut writer = Self::unprivileged(geteuid().as_raw(), getegid().as_raw());
        writer.capabilities = Capabilities::current();
        writer.uid_map = UidMap::read(dir)?;
        writer.gid_map = GidMap::read(dir)?;
        writer.setgroups_allowed = Setgroups::is_allowed(dir)?;
        writer.no_new_privs = no_new_privs().unwrap_or(false);
        let needs_no_helper = writer.capabilities.setuid && writer.capabilities.setgid;
        writer.delegation =
            if needs_no_helper { Delegation::unknown() } else { Delegation::of(writer.euid) };
        Ok(writer)
    }
}

impl Capabilities {
    /// The effective capabilities of the calling thread, in its own user namespace.
    pub fn current() -> Self {
        let effective = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
        Self {
            setuid: effective.contains(CapabilitySet::SETUID),
            setgid: effective.contains(CapabilitySet::SETGID),
            setfcap: effective.contains(CapabilitySet::SETFCAP),
        }
    }
}
