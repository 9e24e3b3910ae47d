//! Finds the namespaces of a target that the caller is not in.

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
    /// A pidfd of the target, if there is a target. It is opened once per start, because the process ID may be reused.
    pub(crate) fn target(self) -> Result<Option<Arc<OwnedFd>>, Error> {
        self.join.target.as_ref().map(|_| self.pidfd()).transpose()
    }

    /// A pidfd of the target.
    pub(crate) fn pidfd(self) -> Result<Arc<OwnedFd>, Error> {
        let target = self.join.target.as_ref().ok_or(Errno::SRCH);
        target.and_then(|(target, _)| target.open()).map_err(|errno| self.open_error(errno))
    }

    /// The namespaces among `kinds` that the caller is not in. Joining the caller's own user namespace is an error, and
    /// joining another one of its own may need a permission that it lacks.
    ///
    /// Compares the links in proc, which needs no descriptor for each namespace, or descriptors where a link cannot be
    /// read.
    pub(super) fn unshared(
        self,
        pidfd: &OwnedFd,
        dir: Option<&ProcDir>,
        kinds: NamespaceFlags,
    ) -> Result<NamespaceFlags, Error> {
        let (own, mut unshared) = (Own::new(self.proc), NamespaceFlags::empty());
        for kind in kinds.kinds() {
            let target = dir.and_then(|dir| dir.link(kind));
            let shared = match target.zip(own.link(kind)) {
                Some((target, own)) => target == own,
                None => self.is_shared(pidfd, &own, kind)?,
            };
            if !shared {
                unshared |= kind.flag();
            }
        }
        Ok(unshared)
    }

    /// Whether caller and target are in the same namespace. A kind that the kernel does not support counts as shared.
    fn is_shared(self, pidfd: &OwnedFd, own: &Own<'_>, kind: Namespace) -> Result<bool, Error> {
        match self.of_target(pidfd, kind) {
            Ok(Some(namespace)) => self.is_own(own, kind, &namespace),
            Ok(None) => Ok(true),
            Err(errno) => Err(self.inspect_error(pidfd, kind, errno)),
        }
    }

    /// A namespace of the target; `None` if the kernel does not support the kind.
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

    /// Whether `other` is the namespace of the calling thread.
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
