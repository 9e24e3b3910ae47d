//! The record lock that tells that a child is leaving this memory.
//!
//! The kernel clears the word of `CLONE_CHILD_CLEARTID`, and wakes whoever waits for it, before it takes the
//! memory from the child (fs/exec.c `exec_mmap`, kernel/exit.c `exit_mm`). A process that may trace the child
//! reaches the caller's memory in between. A record lock belongs to the child's own table of descriptors, and
//! ends when exec closes its descriptor, or with the table when the child ends. Both come after that, but newer
//! kernels close descriptors before they take the memory: see `own_memory`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_fs::FdPlan;
use ns_sys::Errno;
use ns_sys::child::fcntl_getlk;
use rustix::fs::{MemfdFlags, memfd_create};

use super::kept_file::{KeptFile, above};
use crate::in_child::{self, STATUS};

/// One file for all starts of the program; each locks bytes of its own.
static FILE: KeptFile = KeptFile::new();

/// `PID_MAX_LIMIT` of include/linux/threads.h, less one.
const PID_MAX: u32 = (1 << 22) - 1;

/// Of its descriptors.
const LOWEST: RawFd = STATUS + 1;

/// Two bytes: the child's, and that of a program beside an init.
pub(super) struct ExecLock {
    file: Arc<OwnedFd>,
    byte: u64,
}

impl ExecLock {
    /// For a start whose child places `fds`, none of them at the number of this file: closing a descriptor of
    /// it would end the lock. So it lies above the streams, and above what an init has its status at.
    pub(super) fn new(fds: &FdPlan) -> Result<Self, Errno> {
        let kept = FILE.get(make)?;
        let file = if fds.names(kept.as_raw_fd()) {
            let apart = fds.apart(make()?, LOWEST);
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

/// In a copy of this program, which has the same file and may have the same process id.
pub(super) fn forget() {
    FILE.forget();
}

fn make() -> Result<OwnedFd, Errno> {
    let file = match memfd_create(c"exec-lock", MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL) {
        // Before Linux 6.3.
        Err(Errno::INVAL) => memfd_create(c"exec-lock", MemfdFlags::CLOEXEC),
        made => made,
    }?;
    above(&file, LOWEST)
}

/// Forked copies of this program that it does not know of have the same file: bytes are told apart by the
/// process id.
fn next_byte() -> u64 {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    let start = STARTS.fetch_add(1, Ordering::Relaxed);
    u64::from(process::id() & PID_MAX) << 33 | u64::from(start) << 1
}
