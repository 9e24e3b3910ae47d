//! Writing maps.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::OFlags;
use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities};

use crate::{Gid, IdKind, IdMap, ProcError, Setgroups, Uid, check, format, proc_dir};

impl IdMap<Uid> {
    /// The caller's effective user id becomes 0, alone.
    pub fn current() -> Self {
        geteuid().as_raw().into()
    }

    /// Writes `uid_map` of the process whose `/proc/PID` is open as `proc_dir` (`O_PATH` will do).
    ///
    /// # Errors
    /// Which file, which call, and what to do.
    pub fn write(&self, proc_dir: impl AsFd) -> Result<(), ProcError> {
        write_map(self, proc_dir.as_fd())
    }
}

impl IdMap<Gid> {
    /// The caller's effective group id becomes 0, alone.
    pub fn current() -> Self {
        getegid().as_raw().into()
    }

    /// Writes `gid_map`, and `setgroups` before it where `setgroups` says so.
    ///
    /// # Errors
    /// Which file, which call, and what to do.
    pub fn write(&self, proc_dir: impl AsFd, setgroups: Setgroups) -> Result<(), ProcError> {
        let dir = proc_dir.as_fd();
        if setgroups == Setgroups::Deny || setgroups == Setgroups::Auto && !has_setgid() {
            write_file(dir, "setgroups", b"deny")?;
        }
        write_map(self, dir)
    }
}

fn has_setgid() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SETGID))
}

fn write_map<K: IdKind>(map: &IdMap<K>, dir: BorrowedFd<'_>) -> Result<(), ProcError> {
    if let [extent] = map.extents() {
        check::one(0, *extent)?;
    }
    check::length(map.extents())?;
    format::with_text(map.extents(), |text| write_file(dir, K::FILE, text))
}

fn write_file(dir: BorrowedFd<'_>, file: &'static str, text: &[u8]) -> Result<(), ProcError> {
    let fd = proc_dir::open(dir, file, OFlags::WRONLY)?;
    rustix::io::write(&fd, text)
        .map_err(|errno| ProcError::Write { file, source: errno.into() })?;
    Ok(())
}
