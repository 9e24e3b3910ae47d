//! The open files of a plan: opening files and pipes, close-on-exec and at numbers that are not reserved.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};

use super::bytes::Bytes;
use super::descriptors::Descriptors;
use super::error::FdError;
use super::path::PathFile;
use super::stdio::{Kind, Stdio};
use crate::apply::FdRange;

/// The descriptor numbers in the settings, 0 to 2 among them, in ascending order.
///
/// A file that the plan opens at one of them would be inherited in place of a descriptor that the
/// caller does not have.
pub(super) struct Reserved(pub(super) Vec<u32>);

impl Reserved {
    pub(super) fn contains(&self, fd: RawFd) -> bool {
        u32::try_from(fd).is_ok_and(|fd| self.0.binary_search(&fd).is_ok())
    }

    /// Returns the ranges around all reserved numbers and `more`.
    pub(super) fn ranges_around(&self, more: Option<RawFd>) -> Vec<FdRange> {
        match more {
            None => FdRange::around_sorted(&self.0),
            Some(more) => FdRange::around([&self.0[..], &[more.unsigned_abs()]].concat()),
        }
    }

    /// Moves a descriptor to a number that is not reserved and not below `lowest`.
    pub(super) fn avoid(&self, mut file: OwnedFd, lowest: RawFd) -> io::Result<OwnedFd> {
        while file.as_raw_fd() < lowest || self.contains(file.as_raw_fd()) {
            let above = lowest.max(file.as_raw_fd() + 1);
            file = fcntl_dupfd_cloexec(file.as_fd(), above).map_err(|errno| match errno {
                // `above` is not below RLIMIT_NOFILE.
                Errno::INVAL => Errno::MFILE,
                errno => errno,
            })?;
        }
        Ok(file)
    }
}

/// An open file that the process gets.
pub(super) enum Source {
    /// Opened by the plan.
    Opened(OwnedFd),
    /// Opened by [`Descriptors::open_paths`].
    OpenedBefore(Arc<OwnedFd>),
    Owned(Arc<OwnedFd>),
    Borrowed(BorrowedFd<'static>),
}

impl Source {
    pub(super) fn is_terminal(&self) -> bool {
        self.as_fd().is_terminal()
    }

    pub(super) fn number(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Opened(file) => file.as_fd(),
            Self::OpenedBefore(file) | Self::Owned(file) => file.as_fd(),
            Self::Borrowed(file) => *file,
        }
    }
}

/// The sources by target number, and the caller's ends of pipes.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) files: BTreeMap<RawFd, Source>,
    pub(super) pipes: BTreeMap<RawFd, OwnedFd>,
}

/// Opens files, which may block, then calls `lock`, then makes pipes.
pub(super) fn open_all<Lock>(
    descriptors: &Descriptors,
    reserved: &Reserved,
    lock: impl FnOnce() -> Lock,
) -> Result<(Sources, Lock), FdError> {
    let mut sources = Sources::default();
    for (number, file) in descriptors.placed() {
        if let Some(source) = source(number, file, reserved)? {
            sources.files.insert(number, source);
        }
    }
    let lock = lock();
    for (number, _) in descriptors.placed().filter(|(_, file)| file.is_piped()) {
        let ends = open_pipe(number, reserved);
        let (own, theirs) = ends.map_err(|source| FdError::Pipe { number, source })?;
        sources.pipes.insert(number, own);
        sources.files.insert(number, Source::Opened(theirs));
    }
    Ok((sources, lock))
}

fn source(number: RawFd, file: &Stdio, reserved: &Reserved) -> Result<Option<Source>, FdError> {
    Ok(match &file.0 {
        Kind::Inherit | Kind::Piped => None,
        Kind::Null => Some(Source::Opened(open_null(number, reserved)?)),
        Kind::Bytes(bytes) => Some(Source::Opened(open_bytes(number, bytes, reserved)?)),
        Kind::Path(file) => Some(Source::Opened(open_path(number, file, None, reserved)?)),
        Kind::Opened(file) => Some(Source::OpenedBefore(Arc::clone(file))),
        Kind::Owned(file) => Some(Source::Owned(Arc::clone(file))),
        Kind::Borrowed(file) => Some(Source::Borrowed(*file)),
    })
}

/// Opens `/dev/null`: for reading at 0, for writing at 1 and 2, for both at other numbers.
fn open_null(number: RawFd, reserved: &Reserved) -> Result<OwnedFd, FdError> {
    let mut options = OpenOptions::new();
    options.read(number != 1 && number != 2).write(number != 0);
    let path = Path::new("/dev/null");
    finish(number, path, options.open(path), reserved)
}

/// Makes a file in memory with the bytes.
fn open_bytes(number: RawFd, bytes: &Bytes, reserved: &Reserved) -> Result<OwnedFd, FdError> {
    let opened = bytes.open().and_then(|file| reserved.avoid(file, 0));
    opened.map_err(|source| FdError::Bytes { number, source })
}

/// Opens a file by its path for a descriptor number; a deadline limits the wait for a FIFO's peer.
pub(super) fn open_path(
    number: RawFd,
    file: &PathFile,
    deadline: Option<Instant>,
    reserved: &Reserved,
) -> Result<OwnedFd, FdError> {
    finish(number, &file.path, file.open(number, deadline), reserved)
}

fn finish(
    number: RawFd,
    path: &Path,
    opened: io::Result<File>,
    reserved: &Reserved,
) -> Result<OwnedFd, FdError> {
    opened.and_then(|file| reserved.avoid(file.into(), 0)).map_err(|source| FdError::Open {
        number,
        path: path.to_owned(),
        source,
    })
}

/// Makes a pipe; returns the caller's end and the process's end.
fn open_pipe(number: RawFd, reserved: &Reserved) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    let (reader, writer) = (reserved.avoid(reader, 0)?, reserved.avoid(writer, 0)?);
    Ok(if number == 0 { (writer, reader) } else { (reader, writer) })
}
