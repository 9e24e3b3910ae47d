//! `/proc/PID/setgroups`: whether `setgroups(2)` may be used inside.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, OFlags, statat};
use rustix::thread::{CapabilitySet, capabilities};

use crate::{GidMap, ProcError, proc_dir};

const FILE: &str = "setgroups";

/// What to do with `/proc/PID/setgroups` before `gid_map` is written.
///
/// Without the right to drop groups inside, nobody can get round a file that denies access to a
/// group (CVE-2014-8989); therefore the kernel lets an unprivileged writer map his own gid only
/// after `deny`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Setgroups {
    /// Write `deny` exactly when the kernel demands it: the map is one single gid, and the writer
    /// has no `CAP_SETGID` over the parent namespace.
    #[default]
    Auto,
    /// Always write `deny`. It can never be taken back, neither here nor in a namespace below.
    Deny,
    /// Leave it as it is: a new user namespace has what its parent has.
    Keep,
}

impl Setgroups {
    /// Writes `deny` for the process whose `/proc/PID` is open as `proc_dir`.
    ///
    /// To be done before `gid_map` is written, by newgidmap too.
    ///
    /// # Errors
    /// `EPERM` once `gid_map` is written; `EACCES` without `CAP_SYS_ADMIN` over the namespace.
    ///
    /// # Kernel support
    /// Since Linux 3.19.
    pub fn deny(proc_dir: impl AsFd) -> Result<(), ProcError> {
        let fd = proc_dir::open(proc_dir.as_fd(), FILE, OFlags::WRONLY)?;
        proc_dir::write(&fd, FILE, b"deny")
    }

    /// Whether the process may use `setgroups(2)`, as far as this file is concerned.
    ///
    /// # Errors
    /// Which call failed.
    pub fn is_allowed(proc_dir: impl AsFd) -> Result<bool, ProcError> {
        let mut file = proc_dir::open_for_reading(proc_dir.as_fd(), FILE)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|source| ProcError::Read { file: FILE, source })?;
        Ok(text.trim_end() == "allow")
    }

    /// Whether `deny` has to be written before this map.
    pub(crate) fn is_deny_due(self, map: &GidMap, dir: BorrowedFd<'_>) -> bool {
        match self {
            Self::Deny => true,
            Self::Keep => false,
            Self::Auto => map.single().is_some() && !has_setgid_over_parent(dir),
        }
    }
}

/// Whether the caller has `CAP_SETGID` over the parent of the process's user namespace.
fn has_setgid_over_parent(dir: BorrowedFd<'_>) -> bool {
    let sets = capabilities(None);
    sets.is_ok_and(|sets| sets.effective.contains(CapabilitySet::SETGID)) && !is_own_namespace(dir)
}

/// Whether the process is in the caller's own user namespace: all its capabilities end there.
fn is_own_namespace(dir: BorrowedFd<'_>) -> bool {
    let identity =
        |path| statat(dir, path, AtFlags::empty()).map(|stat| (stat.st_dev, stat.st_ino));
    // Through `..`, because the caller's proc file system may be mounted anywhere.
    match (identity("ns/user"), identity("../self/ns/user")) {
        (Ok(target), Ok(own)) => target == own,
        // The caller may always look at its own; so it is another's.
        _ => false,
    }
}
