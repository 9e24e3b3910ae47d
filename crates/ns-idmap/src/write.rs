//! Writing maps.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::OFlags;
use rustix::process::{getegid, geteuid};

use crate::{
    Extent, Gid, IdKind, IdMap, ProcError, RuleError, Setgroups, Uid, check, format, proc_dir,
    refusal,
};

impl IdMap<Uid> {
    /// The caller's effective user id becomes 0, alone.
    ///
    /// To be made before the new namespace: inside, until it is mapped, the id reads as 65534.
    pub fn current() -> Self {
        geteuid().as_raw().into()
    }

    /// Writes `uid_map` of the process whose `/proc/PID` is open as `proc_dir` (`O_PATH` will do).
    ///
    /// One `open`, one `write(2)` at offset 0. The file is written once in the life of a namespace;
    /// a write that the kernel refuses does not count.
    ///
    /// # Errors
    /// A rule, before any system call; else the file, the call, and what the caller's own state
    /// says about `EPERM` and `EACCES`.
    ///
    /// # References
    /// `user_namespaces(7)`; `proc_uid_map_write`, `map_write`, `new_idmap_permitted` and
    /// `verify_root_map` in the kernel's `kernel/user_namespace.c`.
    pub fn write(&self, proc_dir: impl AsFd) -> Result<(), ProcError> {
        let dir = proc_dir.as_fd();
        self.check()?;
        write_map(self, dir)
            .map_err(|error| refusal::explain(error, dir, |writer| self.plan(writer)))
    }
}

impl IdMap<Gid> {
    /// The caller's effective group id becomes 0, alone.
    ///
    /// To be made before the new namespace: inside, until it is mapped, the id reads as 65534.
    pub fn current() -> Self {
        getegid().as_raw().into()
    }

    /// Writes `gid_map` of the process whose `/proc/PID` is open as `proc_dir` (`O_PATH` will do),
    /// and `setgroups` before it where `setgroups` says so.
    ///
    /// Each file: one `open`, one `write(2)` at offset 0.
    ///
    /// # Errors
    /// As for [`UidMap::write`](crate::UidMap::write).
    ///
    /// # References
    /// `user_namespaces(7)`; `proc_setgroups_write` in the kernel's `kernel/user_namespace.c`.
    pub fn write(&self, proc_dir: impl AsFd, setgroups: Setgroups) -> Result<(), ProcError> {
        let dir = proc_dir.as_fd();
        self.check()?;
        let explain = |error| refusal::explain(error, dir, |writer| self.plan(writer, setgroups));
        if setgroups.is_deny_due(self, dir) {
            Setgroups::deny(dir).map_err(explain)?;
        }
        write_map(self, dir).map_err(explain)
    }
}

impl<K: IdKind> IdMap<K> {
    /// The extent of a map that has only one, and in it only one id.
    pub(crate) fn single(&self) -> Option<Extent> {
        match self.extents() {
            [extent] if extent.length == 1 => Some(*extent),
            _ => None,
        }
    }

    /// What was not checked when the map was made: of an id by itself, and of a computed map.
    pub(crate) fn check(&self) -> Result<(), RuleError> {
        self.single().map_or(Ok(()), |extent| check::one(0, extent))?;
        check::length(self.extents())
    }
}

fn write_map<K: IdKind>(map: &IdMap<K>, dir: BorrowedFd<'_>) -> Result<(), ProcError> {
    let fd = proc_dir::open(dir, K::FILE, OFlags::WRONLY)?;
    format::with_text(map.extents(), |text| proc_dir::write(&fd, K::FILE, text))
}
