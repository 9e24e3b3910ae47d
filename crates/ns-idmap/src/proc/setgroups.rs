//! `/proc/PID/setgroups`: whether `setgroups(2)` is allowed in a user namespace.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, statat};
use rustix::thread::{CapabilitySet, capabilities};

use super::{read_text, write_once};
use crate::{GidMap, ProcError};

const FILE: &str = "setgroups";

/// The handling of `/proc/PID/setgroups` before `gid_map` is written.
///
/// A process that may drop its groups can access files that deny access to one of them (CVE-2014-8989).
/// Therefore the kernel lets an unprivileged process map its own group ID only after `deny`.
///
/// # References
/// `user_namespaces(7)`, "The /proc/pid/setgroups file".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Setgroups {
    /// Write `deny` exactly if the kernel requires it: the map has one single group ID, and the
    /// writer has no `CAP_SETGID` in the parent namespace.
    #[default]
    Auto,
    /// Always write `deny`. This cannot be undone, neither in the namespace nor in its descendants.
    Deny,
    /// Do not write. A new user namespace inherits the value from its parent.
    Keep,
}

impl Setgroups {
    /// Writes `deny` for the process whose `/proc/PID` is open as `proc_dir`.
    ///
    /// Call it before `gid_map` is written, directly or by `newgidmap(1)`.
    ///
    /// # Errors
    /// - `EPERM`: `gid_map` is already written.
    /// - `EACCES`: no `CAP_SYS_ADMIN` in the user namespace of the process.
    ///
    /// # Kernel support
    /// Linux 3.19.
    pub fn deny(proc_dir: impl AsFd) -> Result<(), ProcError> {
        write_once(proc_dir.as_fd(), FILE, b"deny")
    }

    /// Whether this file allows the process to call `setgroups(2)`.
    ///
    /// # Errors
    /// The call that failed.
    ///
    /// # Kernel support
    /// Linux 3.19.
    pub fn is_allowed(proc_dir: impl AsFd) -> Result<bool, ProcError> {
        Ok(read_text(proc_dir.as_fd(), FILE)?.trim_end() == "allow")
    }

    /// Whether `deny` has to be written before this map.
    pub(crate) fn requires_deny(self, map: &GidMap, dir: BorrowedFd<'_>) -> bool {
        match self {
            Self::Deny => true,
            Self::Keep => false,
            Self::Auto => map.single().is_some() && !has_setgid_over_parent(dir),
        }
    }
}

/// Whether the caller has `CAP_SETGID` in the parent of the user namespace of the process.
fn has_setgid_over_parent(dir: BorrowedFd<'_>) -> bool {
    let sets = capabilities(None);
    sets.is_ok_and(|sets| sets.effective.contains(CapabilitySet::SETGID)) && !is_own_namespace(dir)
}

/// Whether the process is in the caller's user namespace. The caller's capabilities are limited to it.
fn is_own_namespace(dir: BorrowedFd<'_>) -> bool {
    let identity =
        |path| statat(dir, path, AtFlags::empty()).map(|stat| (stat.st_dev, stat.st_ino));
    // Relative to `dir`, because the proc file system may be mounted anywhere.
    match (identity("ns/user"), identity("../self/ns/user")) {
        (Ok(target), Ok(own)) => target == own,
        // The caller may always stat its own namespace, so this is another one.
        _ => false,
    }
}
