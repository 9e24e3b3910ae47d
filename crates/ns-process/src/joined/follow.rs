//! What else is taken on from a target, besides its namespaces.

use std::borrow::ToOwned;
use std::fmt::Display;
use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::Errno;
use ns_sys::child::is_readable;
use rustix::fs::OFlags;
use rustix::thread::CapabilitySet;

use super::Request;
use super::cgroup::Cgroups;
use super::folder::Folder;
use crate::error::Error;
use crate::hint;
use crate::in_child;
use crate::step::Step;

/// Opened, or read, before the clone.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Root and working directory.
    root: Option<(OwnedFd, OwnedFd)>,
    pub(super) cgroups: Cgroups,
    pub(super) privileges: Option<Limited>,
}

/// What a target may do, which is the most that the child may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited {
    pub(crate) permitted: CapabilitySet,
    pub(crate) ambient: CapabilitySet,
    pub(crate) no_new_privs: bool,
}

impl Request<'_> {
    pub(super) fn followed(
        self,
        pidfd: &OwnedFd,
        folder: Option<&Folder>,
    ) -> Result<Followed, Error> {
        let wish = self.join.follow;
        if !wish.anything() {
            return Ok(Followed::default());
        }
        let folder =
            folder.ok_or_else(|| self.unread(pidfd, "its folder in proc", Errno::NOENT))?;
        let root = wish.root.then(|| self.root(pidfd, folder)).transpose()?;
        let cgroups = if wish.cgroup { self.cgroups(pidfd, folder)? } else { Cgroups::default() };
        let privileges = wish.privileges.then(|| self.privileges(pidfd, folder)).transpose()?;
        Ok(Followed { root, cgroups, privileges })
    }

    fn root(self, pidfd: &OwnedFd, folder: &Folder) -> Result<(OwnedFd, OwnedFd), Error> {
        let open = |name: &str| {
            let opened = folder.open_file(name, OFlags::PATH | OFlags::DIRECTORY);
            opened.map_err(|errno| self.unread(pidfd, name, errno))
        };
        Ok((open("root")?, open("cwd")?))
    }

    fn privileges(self, pidfd: &OwnedFd, folder: &Folder) -> Result<Limited, Error> {
        let status = folder.read("status").map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            self.unread(pidfd, "status", errno)
        })?;
        Limited::of(&status).ok_or_else(|| self.unread(pidfd, "status", Errno::IO))
    }

    /// Why something of the target's cannot be had.
    pub(super) fn unread(self, pidfd: &OwnedFd, what: impl Display, errno: Errno) -> Error {
        if errno == Errno::SRCH || is_readable(pidfd.as_fd()) == Ok(true) {
            return self.gone();
        }
        let object = format!("{what} of {}", self.target_name());
        let hint = match errno {
            Errno::PERM | Errno::ACCESS => {
                Some("the caller may not look at it: that needs CAP_SYS_PTRACE over the target")
            }
            errno => hint::for_descriptors(errno),
        };
        self.error(Step::Prepare).with_errno(errno).with_object(object).with_hint(hint)
    }
}

impl Followed {
    pub(super) fn opened(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let root = self.root.iter().flat_map(|(root, workdir)| [root.as_fd(), workdir.as_fd()]);
        root.chain(self.cgroups.files())
    }

    /// What the child is told.
    pub(super) fn child(&self) -> Option<in_child::Follow<'_>> {
        let (root, workdir) = self.root.as_ref()?;
        Some(in_child::Follow { root: root.as_fd(), workdir: workdir.as_fd() })
    }
}

impl Limited {
    /// From the text of `/proc/PID/status`.
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
