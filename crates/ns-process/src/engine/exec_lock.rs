//! The record lock that proves that a child has left this memory.
//!
//! The kernel clears the word of `CLONE_CHILD_CLEARTID`, and wakes whoever waits for it, before it takes the
//! memory from the child (fs/exec.c `exec_mmap`, kernel/exit.c `exit_mm`). A process that may trace the child
//! reaches the caller's memory in between. A record lock belongs to the child's own table of descriptors, and
//! ends when exec closes its descriptor, or with the table when the child ends: both come after that.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_fs::FdPlan;
use ns_sys::Errno;
use ns_sys::child::fcntl_getlk;
use rustix::fs::{MemfdFlags, memfd_create};

use super::kept_file::KeptFile;
use crate::in_child;

/// One file for all starts of the program; each locks bytes of its own.
static FILE: KeptFile = KeptFile::new();

/// Two bytes: the child's, and that of a program beside an init.
pub(super) struct ExecLock {
    file: Arc<OwnedFd>,
    byte: u64,
}

impl ExecLock {
    /// For a start whose child places `fds`, none of them at the number of this file: closing a descriptor of
    /// it would end the lock.
    pub(super) fn new(fds: &FdPlan) -> Result<Self, Errno> {
        let kept = FILE.get(make)?;
        let file = if fds.names(kept.as_raw_fd()) {
            let apart = fds.apart(make()?, 3);
            Arc::new(apart.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?)
        } else {
            kept
        };
        Ok(Self { file, byte: next_byte() })
    }

    pub(super) fn number(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// What the child is given.
    pub(super) fn child(&self) -> in_child::ExecLock<'_> {
        in_child::ExecLock { file: self.file.as_fd(), byte: self.byte }
    }

    /// What the program beside an init is given.
    pub(super) fn program(&self) -> in_child::ExecLock<'_> {
        in_child::ExecLock { byte: self.byte + 1, ..self.child() }
    }
}

/// Whether a child still holds the lock.
pub(super) fn is_held(lock: in_child::ExecLock<'_>) -> Result<bool, Errno> {
    fcntl_getlk(lock.file, lock.byte)
}

fn make() -> Result<OwnedFd, Errno> {
    memfd_create(c"exec-lock", MemfdFlags::CLOEXEC)
}

/// A forked copy of this program has the same file: its bytes are told apart by its process id.
fn next_byte() -> u64 {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    let start = STARTS.fetch_add(1, Ordering::Relaxed);
    u64::from(process::id()) << 33 | u64::from(start) << 1
}
