//! The record lock whose end shows that a child is leaving the caller's memory.
//!
//! The kernel clears the word of `CLONE_CHILD_CLEARTID`, and wakes its waiter, before it detaches
//! the memory from the child (fs/exec.c `exec_mmap`, kernel/exit.c `exit_mm`). In between, a
//! process that may trace the child can reach the caller's memory. A record lock belongs to the
//! child's own descriptor table. It ends when exec closes its descriptor, or with the table when
//! the child exits. Both come after the word is cleared, but newer kernels close descriptors before
//! they detach the memory: see `own_memory`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_fs::FdPlan;
use ns_sys::Errno;
use ns_sys::child::fcntl_getlk;
use rustix::fs::{MemfdFlags, memfd_create};

use super::cached_file::{CachedFile, above};
use crate::in_child::{self, STATUS};

/// One file for all starts of the program; each start locks different bytes.
static FILE: CachedFile = CachedFile::new();

/// `PID_MAX_LIMIT` of include/linux/threads.h, less one.
const PID_MAX: u32 = (1 << 22) - 1;

/// The lowest descriptor number for the file.
const LOWEST: RawFd = STATUS + 1;

/// The lock file, and the first of two bytes: one for the child, the next for a program alongside
/// an init.
pub(super) struct ExecLock {
    file: Arc<OwnedFd>,
    byte: u64,
}

impl ExecLock {
    /// Makes the lock of a start whose child places `fds`. The number of the lock file is not among
    /// them: closing any descriptor of the file would end the lock. It is also above the standard
    /// streams and above [`STATUS`].
    pub(super) fn new(fds: &FdPlan) -> Result<Self, Errno> {
        let cached = FILE.get(make)?;
        let file = if fds.names(cached.as_raw_fd()) {
            let moved = fds.apart(make()?, LOWEST);
            Arc::new(moved.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?)
        } else {
            cached
        };
        Ok(Self { file, byte: next_byte() })
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// The lock of the child.
    pub(super) fn child(&self) -> in_child::ExecLock<'_> {
        in_child::ExecLock { file: self.file.as_fd(), byte: self.byte }
    }

    /// The lock of the program alongside an init.
    pub(super) fn program(&self) -> in_child::ExecLock<'_> {
        in_child::ExecLock { byte: self.byte + 1, ..self.child() }
    }
}

/// Whether a child still holds the lock.
pub(super) fn is_held(lock: in_child::ExecLock<'_>) -> Result<bool, Errno> {
    fcntl_getlk(lock.file, lock.byte)
}

/// Drops the file in a forked child: the parent uses the same file, and both may have the same
/// process ID in different pid namespaces.
pub(super) fn reset_in_child() {
    FILE.forget();
}

fn make() -> Result<OwnedFd, Errno> {
    let file = match memfd_create(c"exec-lock", MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL) {
        // The kernel is older than Linux 6.3.
        Err(Errno::INVAL) => memfd_create(c"exec-lock", MemfdFlags::CLOEXEC),
        made => made,
    }?;
    above(&file, LOWEST)
}

/// The offset of a byte that no other start uses. A process that the program forked by itself has
/// the same file, so the process ID is part of the offset.
fn next_byte() -> u64 {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    let start = STARTS.fetch_add(1, Ordering::Relaxed);
    u64::from(process::id() & PID_MAX) << 33 | u64::from(start) << 1
}
