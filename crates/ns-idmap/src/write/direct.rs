//! Writes a map as the caller.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::process::{getegid, geteuid};

use super::refusal;
use crate::map::with_text;
use crate::proc::write_once;
use crate::{Gid, IdKind, IdMap, ProcError, Setgroups, Uid};

impl IdMap<Uid> {
    /// Maps the caller's effective user ID to 0, and no other.
    ///
    /// Call it before the new user namespace is created: inside, the ID is 65534 until it is mapped.
    pub fn current() -> Self {
        geteuid().as_raw().into()
    }

    /// Writes `uid_map` of the process whose `/proc/PID` is open as `proc_dir` (`O_PATH` suffices).
    ///
    /// Opens the file once and calls `write(2)` once, at offset 0. The map of a namespace can be written
    /// only once. A write that the kernel refuses does not count.
    ///
    /// # Errors
    /// A rule that the map breaks, before any system call. Otherwise the file and the call that failed
    /// and, for `EPERM` and `EACCES`, the reason as far as the state of the caller shows it.
    ///
    /// # Examples
    /// ```no_run
    /// use ns_idmap::{GidMap, Setgroups, UidMap};
    ///
    /// // The open directory cannot come to mean another process, as a process ID can.
    /// let proc_dir = std::fs::File::open("/proc/4242")?;
    /// UidMap::current().write(&proc_dir)?;
    /// GidMap::current().write(&proc_dir, Setgroups::Auto)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # References
    /// `user_namespaces(7)`; `proc_uid_map_write`, `map_write`, `new_idmap_permitted` and
    /// `verify_root_map` in the kernel's `kernel/user_namespace.c`.
    pub fn write(&self, proc_dir: impl AsFd) -> Result<(), ProcError> {
        let dir = proc_dir.as_fd();
        self.check_for_write()?;
        write_map(self, dir)
            .map_err(|error| refusal::explain(error, dir, |writer| self.plan(writer)))
    }
}

impl IdMap<Gid> {
    /// Maps the caller's effective group ID to 0, and no other.
    ///
    /// Call it before the new user namespace is created: inside, the ID is 65534 until it is mapped.
    pub fn current() -> Self {
        getegid().as_raw().into()
    }

    /// Writes `gid_map` of the process whose `/proc/PID` is open as `proc_dir` (`O_PATH` suffices),
    /// after `deny` to the file `setgroups` if [`setgroups`](Setgroups) requires it.
    ///
    /// Opens each file once and calls `write(2)` once, at offset 0.
    ///
    /// # Errors
    /// As [`UidMap::write`](crate::UidMap::write).
    ///
    /// # References
    /// `user_namespaces(7)`; `proc_setgroups_write` in the kernel's `kernel/user_namespace.c`.
    pub fn write(&self, proc_dir: impl AsFd, setgroups: Setgroups) -> Result<(), ProcError> {
        let dir = proc_dir.as_fd();
        self.check_for_write()?;
        let explain = |error| refusal::explain(error, dir, |writer| self.plan(writer, setgroups));
        if setgroups.requires_deny(self, dir) {
            Setgroups::deny(dir).map_err(explain)?;
        }
        write_map(self, dir).map_err(explain)
    }
}

fn write_map<K: IdKind>(map: &IdMap<K>, dir: BorrowedFd<'_>) -> Result<(), ProcError> {
    with_text(map.extents(), |text| write_once(dir, K::FILE, text))
}
