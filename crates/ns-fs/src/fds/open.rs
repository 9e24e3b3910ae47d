//! Opening files and pipes, close-on-exec and at numbers that are not reserved.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::time::Instant;

use super::error::FdError;
use super::fifo::open_until;
use super::reserved::Reserved;

/// Opens `/dev/null`: for reading at 0, for writing at 1 and 2, for both at other numbers.
pub(super) fn null(number: RawFd, reserved: &Reserved) -> Result<OwnedFd, FdError> {
    let mut options = OpenOptions::new();
    options.read(number != 1 && number != 2).write(number != 0);
    let path = Path::new("/dev/null");
    finish(number, path, options.open(path), reserved)
}

/// Opens the file at `path` for a descriptor number; a deadline limits the wait for a FIFO's peer.
pub(super) fn path(
    number: RawFd,
    path: &Path,
    deadline: Option<Instant>,
    reserved: &Reserved,
) -> Result<OwnedFd, FdError> {
    let mut options = OpenOptions::new();
    match number {
        0 => options.read(true),
        _ => options.append(true).create(true),
    };
    let opened = match deadline {
        Some(deadline) => open_until(&options, path, deadline),
        None => options.open(path),
    };
    finish(number, path, opened, reserved)
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
pub(super) fn pipe(number: RawFd, reserved: &Reserved) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (reader, writer) = (reserved.avoid(reader, 0)?, reserved.avoid(writer, 0)?);
    Ok(if number == 0 { (writer, reader) } else { (reader, writer) })
}
