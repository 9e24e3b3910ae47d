//! Placeholders at the numbers that the moves will overwrite.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;

use rustix::fs::fstat;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};

use super::error::FdError;
use super::open::Reserved;

/// Close-on-exec descriptors at the target numbers that the caller does not use. While they are open,
/// the caller can open no other file there, which the moves would overwrite in the child.
///
/// Each is the read end of one pipe without a writer. It is not a duplicate of the planned file: closing
/// any descriptor of a file ends the record locks of the process on that file, see fcntl_locking(2).
#[derive(Default)]
pub(super) struct Placeholders {
    files: Vec<OwnedFd>,
    /// The pipe.
    pipe: Option<Inode>,
}

/// The device and the inode of a file.
type Inode = (u64, u64);

impl Placeholders {
    pub(super) fn new(numbers: &[RawFd], reserved: &Reserved) -> Result<Self, FdError> {
        let Some(first) = numbers.first() else { return Ok(Self::default()) };
        let pipe = open_pipe(reserved);
        let (pipe, inode) = pipe.map_err(|source| FdError::Reserve { number: *first, source })?;
        let files = numbers.iter().filter_map(|number| occupy(*number, &pipe).transpose());
        Ok(Self { files: files.collect::<Result<_, _>>()?, pipe: Some(inode) })
    }

    fn is_placeholder(&self, file: &OwnedFd) -> bool {
        inode_of(file).is_ok_and(|inode| self.pipe == Some(inode))
    }
}

/// In a process that has made the moves, the planned files have replaced the placeholders: they stay open.
impl Drop for Placeholders {
    fn drop(&mut self) {
        for file in mem::take(&mut self.files) {
            if !self.is_placeholder(&file) {
                let _ = file.into_raw_fd();
            }
        }
    }
}

/// Opens the read end of a pipe at a number that is not reserved.
fn open_pipe(reserved: &Reserved) -> io::Result<(OwnedFd, Inode)> {
    let (reader, _) = pipe_with(PipeFlags::CLOEXEC)?;
    let reader = reserved.avoid(reader, 0)?;
    let inode = inode_of(&reader)?;
    Ok((reader, inode))
}

fn inode_of(file: &OwnedFd) -> io::Result<Inode> {
    let stat = fstat(file)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Duplicates `pipe` to `number`; returns `None` if the caller already uses the number.
fn occupy(number: RawFd, pipe: &OwnedFd) -> Result<Option<OwnedFd>, FdError> {
    match fcntl_dupfd_cloexec(pipe, number) {
        Ok(file) => Ok((file.as_raw_fd() == number).then_some(file)),
        // Every number from this one up to the limit is in use.
        Err(Errno::MFILE) => Ok(None),
        Err(Errno::INVAL) => Err(FdError::Limit { number }),
        Err(errno) => Err(FdError::Reserve { number, source: errno.into() }),
    }
}
