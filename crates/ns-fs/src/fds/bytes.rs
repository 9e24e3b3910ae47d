//! Bytes that a process reads from a file in memory.

use std::fmt;
use std::format;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// The bytes, which all starts share. Each start copies them into a new file.
#[derive(Clone)]
pub(super) struct Bytes(pub(super) Arc<Vec<u8>>);

impl Bytes {
    /// Makes the file, sealed against changes, with its offset at the beginning.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = match memfd_create(c"input", flags | MemfdFlags::NOEXEC_SEAL) {
            // The kernel is older than Linux 6.3.
            Err(Errno::INVAL) => memfd_create(c"input", flags),
            made => made,
        }?;
        let file = File::from(file);
        file.write_all_at(&self.0, 0)?;
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        fcntl_add_seals(&file, seals)?;
        Ok(file.into())
    }

    /// Returns the system calls that make the file.
    pub(super) fn describe(&self) -> String {
        format!("memfd_create(\"input\"); pwrite({} bytes); fcntl(F_ADD_SEALS)", self.0.len())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
