//! Opening what is asked for, close-on-exec and at numbers that nobody spoke of.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::{Errno, fcntl_dupfd_cloexec};

use super::descriptors::Descriptors;
use super::error::FdError;
use super::fifo::open_until;
use super::stdio::{Kind, Stdio};
use crate::apply::FdRange;

/// What a number is made from, kept open.
pub(super) enum Source {
    /// By the plan.
    Opened(OwnedFd),
    /// By the wish, for the plan.
    OpenedBefore(Arc<OwnedFd>),
    Owned(Arc<OwnedFd>),
    Borrowed(BorrowedFd<'static>),
}

/// What was opened: the sources by the number that they go to, and the caller's ends of pipes.
#[derive(Default)]
pub(super) struct Opened {
    pub(super) sources: BTreeMap<RawFd, Source>,
    pub(super) pipes: BTreeMap<RawFd, OwnedFd>,
}

impl Source {
    pub(super) fn is_terminal(&self) -> bool {
        match self {
            Self::Opened(file) => file.as_fd().is_terminal(),
            Self::OpenedBefore(file) | Self::Owned(file) => file.as_fd().is_terminal(),
            Self::Borrowed(file) => file.is_terminal(),
        }
    }

    pub(super) fn number(&self) -> RawFd {
        match self {
            Self::Opened(file) => file.as_raw_fd(),
            Self::OpenedBefore(file) | Self::Owned(file) => file.as_raw_fd(),
            Self::Borrowed(file) => file.as_raw_fd(),
        }
    }
}

/// Of one of the caller's own 0 to 2.
pub(super) fn is_terminal(number: RawFd) -> bool {
    match number {
        0 => io::stdin().is_terminal(),
        1 => io::stdout().is_terminal(),
        _ => io::stderr().is_terminal(),
    }
}

/// Files first, which may take their time; pipes are made under `lock`.
pub(super) fn all<Lock>(
    wish: &Descriptors,
    taken: &Taken,
    lock: impl FnOnce() -> Lock,
) -> Result<(Opened, Lock), FdError> {
    let mut opened = Opened::default();
    for (number, file) in wish.placed() {
        if let Some(source) = open(number, file, taken)? {
            opened.sources.insert(number, source);
        }
    }
    let lock = lock();
    for (number, _) in wish.placed().filter(|(_, file)| file.is_piped()) {
        let ends = pipe(number, taken);
        let (own, theirs) = ends.map_err(|source| FdError::Pipe { number, source })?;
        opened.pipes.insert(number, own);
        opened.sources.insert(number, Source::Opened(theirs));
    }
    Ok((opened, lock))
}

fn open(number: RawFd, file: &Stdio, taken: &Taken) -> Result<Option<Source>, FdError> {
    Ok(match &file.0 {
        Kind::Inherit | Kind::Piped => None,
        Kind::Null => Some(Source::Opened(null(number, taken)?)),
        Kind::Path(path) => Some(Source::Opened(file_at(number, path, taken)?)),
        Kind::Opened(file) => Some(Source::OpenedBefore(Arc::clone(file))),
        Kind::Owned(file) => Some(Source::Owned(Arc::clone(file))),
        Kind::Borrowed(file) => Some(Source::Borrowed(*file)),
    })
}

fn null(number: RawFd, taken: &Taken) -> Result<OwnedFd, FdError> {
    let mut options = OpenOptions::new();
    options.read(number != 1 && number != 2).write(number != 0);
    open_file(number, Path::new("/dev/null"), &options, taken)
}

fn file_at(number: RawFd, path: &Path, taken: &Taken) -> Result<OwnedFd, FdError> {
    open_file(number, path, &options_for(number), taken)
}

/// How a file is opened by its path for a number.
fn options_for(number: RawFd) -> OpenOptions {
    let mut options = OpenOptions::new();
    match number {
        0 => options.read(true),
        _ => options.append(true).create(true),
    };
    options
}

/// Opens the file at `path` for a number, until the deadline if there is one.
pub(super) fn path(
    number: RawFd,
    path: &Path,
    deadline: Option<Instant>,
    taken: &Taken,
) -> Result<OwnedFd, FdError> {
    let options = options_for(number);
    let opened = match deadline {
        Some(deadline) => open_until(&options, path, deadline),
        None => options.open(path),
    };
    let failed = |source| FdError::Open { number, path: path.to_owned(), source };
    opened.map(File::into).and_then(|file| taken.apart(file, 0)).map_err(failed)
}

fn open_file(
    number: RawFd,
    path: &Path,
    options: &OpenOptions,
    taken: &Taken,
) -> Result<OwnedFd, FdError> {
    let failed = |source| FdError::Open { number, path: path.to_owned(), source };
    options.open(path).map(File::into).and_then(|file| taken.apart(file, 0)).map_err(failed)
}

/// The caller's end, and that of the process.
fn pipe(number: RawFd, taken: &Taken) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (reader, writer) = (taken.apart(reader, 0)?, taken.apart(writer, 0)?);
    Ok(if number == 0 { (writer, reader) } else { (reader, writer) })
}

/// The numbers that were spoken of, 0 to 2 among them: nothing of the plan's own may lie there, or
/// whoever inherits a number that the caller has nothing at would get that. In ascending order.
pub(super) struct Taken(pub(super) Vec<u32>);

impl Taken {
    pub(super) fn has(&self, number: RawFd) -> bool {
        u32::try_from(number).is_ok_and(|number| self.0.binary_search(&number).is_ok())
    }

    /// What lies around them, and around one more.
    pub(super) fn ranges_around(&self, more: Option<RawFd>) -> Vec<FdRange> {
        FdRange::around(self.0.iter().copied().chain(more.map(RawFd::unsigned_abs)))
    }

    /// The same file, at a number from `lowest` on that nobody spoke of.
    pub(super) fn apart(&self, mut file: OwnedFd, lowest: RawFd) -> io::Result<OwnedFd> {
        while file.as_raw_fd() < lowest || self.has(file.as_raw_fd()) {
            let above = lowest.max(file.as_raw_fd() + 1);
            file = fcntl_dupfd_cloexec(file.as_fd(), above).map_err(|errno| match errno {
                // It is not below the limit.
                Errno::INVAL => Errno::MFILE,
                errno => errno,
            })?;
        }
        Ok(file)
    }
}
