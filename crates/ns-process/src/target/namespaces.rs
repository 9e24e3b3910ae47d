//! Finds the namespaces of a target that the caller is not in.

use std::cell::OnceCell;
use std::ffi::CString;
use std::format;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags, pidfd_open_thread};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::thread::gettid;

use super::TargetSpec;
use crate::error::Error;
use crate::proc_dir::ProcDir;
use crate::settings::Target;
use crate::step::Step;

impl TargetSpec<'_> {
    /// A pidfd of the target, if there is a target. It is opened once per start, because the process ID may be reused.
    pub(crate) fn target(self) -> Result<Option<Arc<OwnedFd>>, Error> {
        self.join.target.as_ref().map(|_| self.pidfd()).transpose()
    }

    /// A pidfd of the target.
    pub(crate) fn pidfd(self) -> Result<Arc<OwnedFd>, Error> {
        let target = self.join.target.as_ref().ok_or(Errno::SRCH);
        target.and_then(Target::open).map_err(|errno| self.open_error(errno))
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

    /// A namespace of the target, to be kept. A target that has not executed yet joins its new time namespace later.
    pub(crate) fn kept_of_target(
        self,
        pidfd: &OwnedFd,
        kind: Namespace,
    ) -> Result<NamespaceFd, Errno> {
        if kind != Namespace::Time {
            return self.of_target(pidfd, kind)?.ok_or(Errno::OPNOTSUPP);
        }
        match NamespaceFd::for_children(pidfd, kind) {
            // Before Linux 6.11.
            Err(Errno::NOTTY | Errno::INVAL) => {
                let dir = ProcDir::of(self.proc, pidfd).ok_or(Errno::SRCH)?;
                NamespaceFd::new(dir.open_file("ns/time_for_children", OFlags::RDONLY)?)
            }
            opened => opened,
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

/// The calling thread, for the namespaces that it is in.
#[derive(Debug)]
pub(super) struct Own<'a> {
    proc: &'a Path,
    /// `/proc/thread-self/ns`, if it can be opened.
    dir: Option<OwnedFd>,
    /// The pidfd of the thread, opened on first use. `None` before Linux 6.9.
    thread: OnceCell<Option<OwnedFd>>,
}

impl<'a> Own<'a> {
    pub(super) fn new(proc: &'a Path) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(CWD, proc.join("thread-self/ns"), flags, Mode::empty()).ok();
        Self { proc, dir, thread: OnceCell::new() }
    }

    /// The link in proc to the thread's namespace of this kind.
    pub(super) fn link(&self, kind: Namespace) -> Option<CString> {
        readlinkat(self.dir.as_ref()?, kind.name(), Vec::new()).ok()
    }

    /// The thread's namespace of this kind.
    pub(super) fn namespace(&self, kind: Namespace) -> Result<NamespaceFd, Errno> {
        match self.thread().map(|thread| NamespaceFd::from_pidfd(thread, kind)) {
            Some(Ok(namespace)) => Ok(namespace),
            // Before Linux 6.11.
            None | Some(Err(_)) => self.by_proc(kind),
        }
    }

    fn thread(&self) -> Option<&OwnedFd> {
        let opened = || pidfd_open_thread(gettid().as_raw_nonzero().get().unsigned_abs()).ok();
        self.thread.get_or_init(opened).as_ref()
    }

    fn by_proc(&self, kind: Namespace) -> Result<NamespaceFd, Errno> {
        let path = self.proc.join(format!("thread-self/ns/{}", kind.name()));
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat(CWD, path, flags, Mode::empty()).and_then(NamespaceFd::new)
    }
}
