//! The namespaces that the calling thread is in.

use std::format;
use std::os::fd::OwnedFd;
use std::path::Path;

use ns_sys::{Errno, Namespace, NamespaceFd, pidfd_open_thread};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::thread::gettid;

/// The calling thread, held by a descriptor: a file of proc costs several times as much.
#[derive(Debug)]
pub(super) struct Own<'a> {
    /// `None` before Linux 6.9.
    thread: Option<OwnedFd>,
    proc: &'a Path,
}

impl<'a> Own<'a> {
    pub(super) fn new(proc: &'a Path) -> Self {
        let tid = gettid().as_raw_nonzero().get().unsigned_abs();
        Self { thread: pidfd_open_thread(tid).ok(), proc }
    }

    /// Its namespace of a kind.
    pub(super) fn namespace(&self, kind: Namespace) -> Result<NamespaceFd, Errno> {
        match self.thread.as_ref().map(|thread| NamespaceFd::from_pidfd(thread, kind)) {
            Some(Ok(namespace)) => Ok(namespace),
            // Before Linux 6.11.
            None | Some(Err(_)) => self.by_proc(kind),
        }
    }

    fn by_proc(&self, kind: Namespace) -> Result<NamespaceFd, Errno> {
        let path = self.proc.join(format!("thread-self/ns/{}", kind.name()));
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat(CWD, path, flags, Mode::empty()).and_then(NamespaceFd::new)
    }
}
