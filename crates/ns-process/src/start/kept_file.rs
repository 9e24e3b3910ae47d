//! A file without a name that the program keeps open from its first use on.

use std::mem::forget;
use std::os::fd::{OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex};

use ns_sys::Errno;
use rustix::fs::fstat;
use rustix::io::fcntl_dupfd_cloexec;

/// The file, and its device and inode: a program that closes every descriptor closes this one too, and then
/// its number is another file's.
struct Known {
    file: Arc<OwnedFd>,
    id: (u64, u64),
}

/// Where it is kept.
pub(super) struct KeptFile(Mutex<Option<Known>>);

impl KeptFile {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Keeps it no longer, without closing it.
    pub(super) fn forget(&self) {
        if let Ok(mut kept) = self.0.try_lock() {
            forget(kept.take());
        }
    }

    /// The file that is kept, or the one that `make` makes.
    pub(super) fn get(
        &self,
        make: impl FnOnce() -> Result<OwnedFd, Errno>,
    ) -> Result<Arc<OwnedFd>, Errno> {
        // Another thread has it, or had it where memory was copied meanwhile.
        let Ok(mut kept) = self.0.try_lock() else { return make().map(Arc::new) };
        match kept.take() {
            Some(known) if id(&known.file) == Ok(known.id) => {
                Ok(Arc::clone(&kept.insert(known).file))
            }
            other => {
                // Its number is not this library's to close any more.
                forget(other);
                let file = Arc::new(make()?);
                let id = id(&file)?;
                Ok(Arc::clone(&kept.insert(Known { file, id }).file))
            }
        }
    }
}

/// The same file at a number from `lowest` on, close-on-exec.
pub(super) fn above(file: &OwnedFd, lowest: RawFd) -> Result<OwnedFd, Errno> {
    fcntl_dupfd_cloexec(file, lowest).map_err(|errno| match errno {
        // It is not below RLIMIT_NOFILE.
        Errno::INVAL => Errno::MFILE,
        errno => errno,
    })
}

fn id(file: &OwnedFd) -> Result<(u64, u64), Errno> {
    fstat(file).map(|told| (told.st_dev, told.st_ino))
}
