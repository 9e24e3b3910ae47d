//! Opens files below a held `/proc/PID`, and nothing else.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, fstatfs, openat, openat2};
use rustix::io::Errno;

use crate::ProcError;

/// Opens `file` of the process; a symbolic link or a mount on top of it is refused.
pub(crate) fn open(
    dir: BorrowedFd<'_>,
    file: &'static str,
    access: OFlags,
) -> Result<OwnedFd, ProcError> {
    let opened = open_beneath(dir, file, access | OFlags::CLOEXEC | OFlags::NOFOLLOW);
    let failed = |errno: Errno| ProcError::Open { file, source: errno.into(), why: None };
    let fd = opened.map_err(failed)?;
    // A made-up folder would take the map and map nobody.
    match fstatfs(&fd).map_err(failed)?.f_type {
        PROC_SUPER_MAGIC => Ok(fd),
        _ => Err(ProcError::NotProc { file }),
    }
}

pub(crate) fn open_for_reading(dir: BorrowedFd<'_>, file: &'static str) -> Result<File, ProcError> {
    open(dir, file, OFlags::RDONLY).map(File::from)
}

/// One `write(2)`, because the kernel takes no second one.
pub(crate) fn write(fd: impl AsFd, file: &'static str, text: &[u8]) -> Result<(), ProcError> {
    let failed = |errno: Errno| ProcError::Write { file, source: errno.into(), why: None };
    match rustix::io::write(fd, text).map_err(failed)? {
        written if written == text.len() => Ok(()),
        _ => Err(failed(Errno::IO)),
    }
}

fn open_beneath(dir: BorrowedFd<'_>, file: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    match openat2(dir, file, flags, Mode::empty(), resolve) {
        // Before Linux 5.6, and under filters that do not know it and say so in either way.
        Err(Errno::NOSYS | Errno::PERM) => openat(dir, file, flags, Mode::empty()),
        opened => opened,
    }
}
