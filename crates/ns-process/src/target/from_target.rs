//! The root, cgroups and privileges that the child takes over from a target.

use std::borrow::ToOwned;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::Errno;
use rustix::fs::OFlags;
use rustix::thread::CapabilitySet;

use super::cgroup::Cgroups;
use super::{OpenTarget, TargetSpec};
use crate::error::Error;
use crate::in_child;
use crate::proc_dir::ProcDir;
use crate::settings::PrivilegeCeiling;

/// What the child takes over, opened or read before the clone.
#[derive(Debug, Default)]
pub(super) struct OpenFromTarget {
    /// Root and working directory.
    root: Option<(OwnedFd, OwnedFd)>,
    pub(super) cgroups: Cgroups,
    pub(super) privileges: Option<PrivilegeCeiling>,
}

impl TargetSpec<'_> {
    pub(super) fn open_from_target(
        self,
        pidfd: &OwnedFd,
        dir: Option<&ProcDir>,
    ) -> Result<OpenFromTarget, Error> {
        let config = self.join.from_target;
        if !config.anything() {
            return Ok(OpenFromTarget::default());
        }
        let dir =
            dir.ok_or_else(|| self.read_error(pidfd, "its directory in proc", Errno::NOENT))?;
        let root = config.root.then(|| self.root(pidfd, dir)).transpose()?;
        let cgroups = if config.cgroup { self.cgroups(pidfd, dir)? } else { Cgroups::default() };
        let privileges = config.privileges.then(|| self.privileges(pidfd, dir)).transpose()?;
        Ok(OpenFromTarget { root, cgroups, privileges })
    }

    fn root(self, pidfd: &OwnedFd, dir: &ProcDir) -> Result<(OwnedFd, OwnedFd), Error> {
        let open = |name: &str| {
            let opened = dir.open_file(name, OFlags::PATH | OFlags::DIRECTORY);
            opened.map_err(|errno| self.read_error(pidfd, name, errno))
        };
        Ok((open("root")?, open("cwd")?))
    }

    fn privileges(self, pidfd: &OwnedFd, dir: &ProcDir) -> Result<PrivilegeCeiling, Error> {
        let status = dir.read("status").map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            self.read_error(pidfd, "status", errno)
        })?;
        PrivilegeCeiling::of(&status).ok_or_else(|| self.read_error(pidfd, "status", Errno::IO))
    }
}

impl OpenFromTarget {
    /// The descriptors in `self`.
    pub(super) fn opened(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let root = self.root.iter().flat_map(|(root, workdir)| [root.as_fd(), workdir.as_fd()]);
        root.chain(self.cgroups.files())
    }
}

impl OpenTarget {
    /// The root and working directory that the child takes over.
    pub(crate) fn inherited(&self) -> Option<in_child::FromTarget<'_>> {
        let (root, workdir) = self.from_target.root.as_ref()?;
        Some(in_child::FromTarget { root: root.as_fd(), workdir: workdir.as_fd() })
    }
}

impl PrivilegeCeiling {
    /// Parses the text of `/proc/PID/status`.
    fn of(status: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        let set =
            |name| u64::from_str_radix(&field(name)?, 16).ok().map(CapabilitySet::from_bits_retain);
        Some(Self {
            permitted: set("CapPrm")?,
            ambient: set("CapAmb").unwrap_or(CapabilitySet::empty()),
            no_new_privs: field("NoNewPrivs")? == 1.to_string(),
        })
    }
}
