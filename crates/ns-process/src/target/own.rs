//! The namespaces that the calling thread is in.

use std::cell::OnceCell;
use std::ffi::CString;
use std::format;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, Namespace, NamespaceFd, pidfd_open_thread};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::thread::gettid;

/// The calling thread.
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
