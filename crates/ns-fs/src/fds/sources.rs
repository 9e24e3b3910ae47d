//! The open files of a plan.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::descriptors::Descriptors;
use super::error::FdError;
use super::open;
use super::reserved::Reserved;
use super::stdio::{Kind, Stdio};

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
        if let Some(source) = open(number, file, reserved)? {
            sources.files.insert(number, source);
        }
    }
    let lock = lock();
    for (number, _) in descriptors.placed().filter(|(_, file)| file.is_piped()) {
        let ends = open::pipe(number, reserved);
        let (own, theirs) = ends.map_err(|source| FdError::Pipe { number, source })?;
        sources.pipes.insert(number, own);
        sources.files.insert(number, Source::Opened(theirs));
    }
    Ok((sources, lock))
}

fn open(number: RawFd, file: &Stdio, reserved: &Reserved) -> Result<Option<Source>, FdError> {
    Ok(match &file.0 {
        Kind::Inherit | Kind::Piped => None,
        Kind::Null => Some(Source::Opened(open::null(number, reserved)?)),
        Kind::Path(path) => Some(Source::Opened(open::path(number, path, None, reserved)?)),
        Kind::Opened(file) => Some(Source::OpenedBefore(Arc::clone(file))),
        Kind::Owned(file) => Some(Source::Owned(Arc::clone(file))),
        Kind::Borrowed(file) => Some(Source::Borrowed(*file)),
    })
}
