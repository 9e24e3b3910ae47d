//! An unnamed file that the program keeps open from its first use on.

use std::mem::forget;
use std::os::fd::{OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex};

use ns_sys::Errno;
use rustix::fs::fstat;
use rustix::io::fcntl_dupfd_cloexec;

/// The file, with its device and inode numbers. A program that closes all descriptors closes this
/// one too, and its number may then belong to another file.
struct Entry {
    file: Arc<OwnedFd>,
    id: (u64, u64),
}

/// The cache of the file.
pub(super) struct CachedFile(Mutex<Option<Entry>>);

impl CachedFile {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Drops the file from the cache without closing it.
    pub(super) fn forget(&self) {
        if let Ok(mut cached) = self.0.try_lock() {
            forget(cached.take());
        }
    }

    /// Returns the cached file, or caches the one that `make` returns.
    pub(super) fn get(
        &self,
        make: impl FnOnce() -> Result<OwnedFd, Errno>,
    ) -> Result<Arc<OwnedFd>, Errno> {
        // Another thread holds the lock, or held it when the memory was copied: the file is not
        // cached.
        let Ok(mut cached) = self.0.try_lock() else { return make().map(Arc::new) };
        match cached.take() {
            Some(entry) if id(&entry.file) == Ok(entry.id) => {
                Ok(Arc::clone(&cached.insert(entry).file))
            }
            other => {
                // The descriptor number belongs to another file now, so it must not be closed here.
                forget(other);
                let file = Arc::new(make()?);
                let id = id(&file)?;
                Ok(Arc::clone(&cached.insert(Entry { file, id }).file))
            }
        }
    }
}

/// Duplicates the descriptor to the lowest free number that is at least `lowest`, close-on-exec.
pub(super) fn above(file: &OwnedFd, lowest: RawFd) -> Result<OwnedFd, Errno> {
    fcntl_dupfd_cloexec(file, lowest).map_err(|errno| match errno {
        // `lowest` is not below RLIMIT_NOFILE.
        Errno::INVAL => Errno::MFILE,
        errno => errno,
    })
}

fn id(file: &OwnedFd) -> Result<(u64, u64), Errno> {
    fstat(file).map(|stat| (stat.st_dev, stat.st_ino))
}
