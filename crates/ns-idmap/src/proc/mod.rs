//! The files of a process, below an open `/proc/PID`.

mod pid;
mod setgroups;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, fstatfs, openat, openat2};
use rustix::io::Errno;

use crate::{IdKind, IdMap, ProcError};

pub(crate) use pid::{pid_in_proc, pid_of};
pub use setgroups::Setgroups;

impl<K: IdKind> IdMap<K> {
    /// Reads the map of the process whose `/proc/PID` is open as `proc_dir`; `None` if it has none.
    ///
    /// The outside IDs are those of the *caller's* user namespace or, if the process is in the same
    /// user namespace, those of its parent.
    ///
    /// # Errors
    /// The call that failed, or that the caller's user namespace does not map the outside IDs.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::UidMap;
    ///
    /// let own = UidMap::read(std::fs::File::open("/proc/self")?)?;
    /// assert!(own.is_some_and(|map| map.contains(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(proc_dir: impl AsFd) -> Result<Option<Self>, ProcError> {
        let text = read_text(proc_dir.as_fd(), K::FILE)?;
        Self::from_shown(&text).map_err(|source| ProcError::Shown { file: K::FILE, source })
    }
}

/// Whether the map of the process is written, as far as its file can be read.
pub(crate) fn is_written<K: IdKind>(dir: BorrowedFd<'_>) -> bool {
    matches!(IdMap::<K>::read(dir), Ok(Some(_)) | Err(ProcError::Shown { .. }))
}

/// Reads a file of the process.
pub(crate) fn read_text(dir: BorrowedFd<'_>, file: &'static str) -> Result<String, ProcError> {
    let mut opened = File::from(open(dir, file, OFlags::RDONLY)?);
    let mut text = String::new();
    opened.read_to_string(&mut text).map_err(|source| ProcError::Read { file, source })?;
    Ok(text)
}

/// Writes a file of the process with one `write(2)`. The kernel refuses a second one.
pub(crate) fn write_once(
    dir: BorrowedFd<'_>,
    file: &'static str,
    text: &[u8],
) -> Result<(), ProcError> {
    let fd = open(dir, file, OFlags::WRONLY)?;
    let failed = |errno: Errno| ProcError::Write { file, source: errno.into(), why: None };
    match rustix::io::write(fd, text).map_err(failed)? {
        written if written == text.len() => Ok(()),
        _ => Err(failed(Errno::IO)),
    }
}

/// Opens a file of the process. Refuses a symbolic link, and a mount on top of the file.
fn open(dir: BorrowedFd<'_>, file: &'static str, access: OFlags) -> Result<OwnedFd, ProcError> {
    let opened = open_beneath(dir, file, access | OFlags::CLOEXEC | OFlags::NOFOLLOW);
    let failed = |errno: Errno| ProcError::Open { file, source: errno.into(), why: None };
    let fd = opened.map_err(failed)?;
    // In another file system, a file of this name would accept the map without any effect.
    match fstatfs(&fd).map_err(failed)?.f_type {
        PROC_SUPER_MAGIC => Ok(fd),
        _ => Err(ProcError::NotProc { file }),
    }
}

fn open_beneath(dir: BorrowedFd<'_>, file: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    match openat2(dir, file, flags, Mode::empty(), resolve) {
        // Before Linux 5.6, and under seccomp filters, which fail an unknown call with either errno.
        Err(Errno::NOSYS | Errno::PERM) => openat(dir, file, flags, Mode::empty()),
        opened => opened,
    }
}
