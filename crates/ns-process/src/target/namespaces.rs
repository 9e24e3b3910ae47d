//! Which namespaces of a target the caller is not in.

use std::format;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags};
use rustix::fs::OFlags;

use super::TargetSpec;
use super::own::Own;
use crate::error::Error;
use crate::proc_dir::ProcDir;
use crate::step::Step;

impl TargetSpec<'_> {
    /// A descriptor of the target, if there is one: to be opened once, because its number may be another
    /// process's the next time.
    pub(crate) fn target(self) -> Result<Option<Arc<OwnedFd>>, Error> {
        self.join.target.as_ref().map(|_| self.pidfd()).transpose()
    }

    /// A descriptor of the target.
    pub(crate) fn pidfd(self) -> Result<Arc<OwnedFd>, Error> {
        let target = self.join.target.as_ref().ok_or(Errno::SRCH);
        target.and_then(|(target, _)| target.open()).map_err(|errno| self.unopened(errno))
    }

    /// Those of `kinds` in which the caller is not: to enter one's own user namespace is an error, and
    /// for the others permission may be missing.
    ///
    /// By their names in proc, which tell without a descriptor of each; by that where proc does not say.
    pub(super) fn unshared(
        self,
        pidfd: &OwnedFd,
        dir: Option<&ProcDir>,
        kinds: NamespaceFlags,
    ) -> Result<NamespaceFlags, Error> {
        let (own, mut left) = (Own::new(self.proc), NamespaceFlags::empty());
        for kind in kinds.kinds() {
            let theirs = dir.and_then(|dir| dir.link(kind));
            let shared = match theirs.zip(own.link(kind)) {
                Some((theirs, own)) => theirs == own,
                None => self.is_shared(pidfd, &own, kind)?,
            };
            if !shared {
                left |= kind.flag();
            }
        }
        Ok(left)
    }

    /// One that the kernel does not have is everybody's.
    fn is_shared(self, pidfd: &OwnedFd, own: &Own<'_>, kind: Namespace) -> Result<bool, Error> {
        match self.of_target(pidfd, kind) {
            Ok(Some(namespace)) => self.is_own(own, kind, &namespace),
            Ok(None) => Ok(true),
            Err(errno) => Err(self.untold(pidfd, kind, errno)),
        }
    }

    /// A namespace of the target; `None` where the kernel has no such kind.
    pub(crate) fn of_target(
        self,
        pidfd: &OwnedFd,
        kind: Namespace,
    ) -> Result<Option<NamespaceFd>, Errno> {
        match NamespaceFd::from_pidfd(pidfd, kind) {
            Ok(namespace) => Ok(Some(namespace)),
            Err(Errno::OPNOTSUPP) => Ok(None),
            // Before Linux 6.11.
            Err(Errno::NOTTY | Errno::INVAL) => {
                let dir = ProcDir::of(self.proc, pidfd).ok_or(Errno::SRCH)?;
                let file = dir.open_file(&format!("ns/{}", kind.name()), OFlags::RDONLY)?;
                NamespaceFd::new(file).map(Some)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Whether the calling thread is in it.
    pub(super) fn is_own(
        self,
        own: &Own<'_>,
        kind: Namespace,
        other: &NamespaceFd,
    ) -> Result<bool, Error> {
        let same = own.namespace(kind).and_then(|own| Ok(own.id()? == other.id()?));
        same.map_err(|errno| {
            let object = format!("the caller's own {kind} namespace");
            self.error(Step::Prepare).with_errno(errno).with_object(object)
        })
    }
}
