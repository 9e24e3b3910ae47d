//! Opening what is asked for, above 2 and close-on-exec.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::descriptors::Descriptors;
use super::error::FdError;
use super::stdio::{Kind, Stdio};

/// What a number is made from, kept open.
pub(super) enum Source {
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
    pub(super) fn number(&self) -> RawFd {
        match self {
            Self::Owned(file) => file.as_raw_fd(),
            Self::Borrowed(file) => file.as_raw_fd(),
        }
    }
}

pub(super) fn all(wish: &Descriptors) -> Result<Opened, FdError> {
    let mut opened = Opened::default();
    for (number, file) in wish.placed() {
        if let Some(source) = open(number, file, &mut opened.pipes)? {
            opened.sources.insert(number, source);
        }
    }
    Ok(opened)
}

fn open(
    number: RawFd,
    file: &Stdio,
    pipes: &mut BTreeMap<RawFd, OwnedFd>,
) -> Result<Option<Source>, FdError> {
    Ok(Some(match &file.0 {
        Kind::Inherit => return Ok(None),
        Kind::Null => owned(null(number)?),
        Kind::Path(path) => owned(file_at(number, path)?),
        Kind::Piped => {
            let (own, theirs) = pipe(number).map_err(|source| FdError::Pipe { number, source })?;
            pipes.insert(number, own);
            owned(theirs)
        }
        Kind::Owned(file) => Source::Owned(Arc::clone(file)),
        Kind::Borrowed(file) => Source::Borrowed(*file),
    }))
}

fn owned(file: OwnedFd) -> Source {
    Source::Owned(Arc::new(file))
}

fn null(number: RawFd) -> Result<OwnedFd, FdError> {
    let mut options = OpenOptions::new();
    options.read(number != 1 && number != 2).write(number != 0);
    open_file(number, Path::new("/dev/null"), &options)
}

fn file_at(number: RawFd, path: &Path) -> Result<OwnedFd, FdError> {
    let mut options = OpenOptions::new();
    match number {
        0 => options.read(true),
        _ => options.append(true).create(true),
    };
    open_file(number, path, &options)
}

fn open_file(number: RawFd, path: &Path, options: &OpenOptions) -> Result<OwnedFd, FdError> {
    let failed = |source| FdError::Open { number, path: path.to_owned(), source };
    options.open(path).map(File::into).and_then(above_stdio).map_err(failed)
}

/// The caller's end, and that of the process.
fn pipe(number: RawFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (reader, writer) = (above_stdio(reader)?, above_stdio(writer)?);
    Ok(if number == 0 { (writer, reader) } else { (reader, writer) })
}

/// A caller without 0 to 2 gets these numbers from open(2), and whoever inherits them would get the
/// file.
fn above_stdio(file: OwnedFd) -> io::Result<OwnedFd> {
    if file.as_raw_fd() > 2 {
        return Ok(file);
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(file.as_fd(), 3)?)
}
