//! Input that `space` reads before the start. A FIFO, a pipe or a terminal may take long: signals, which are not blocked
//! yet, and the time limit end the wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;

use crate::deadline;

/// Reads a file by its path to the end.
pub(crate) fn contents_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    if deadline::get().is_some() {
        // open(2) does not wait for the writer of a FIFO; poll(2) does.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        options.custom_flags(flags);
    }
    contents(&options.read(true).open(path)?)
}

/// Reads an open file to the end.
pub(crate) fn contents(file: &File) -> io::Result<Vec<u8>> {
    // poll(2) would wait for the reader of a pipe whose write end this is.
    if fcntl_getfl(file)? & OFlags::ACCMODE == OFlags::WRONLY {
        return Err(Errno::BADF.into());
    }
    let mut bytes = Vec::new();
    loop {
        wait(file)?;
        let mut part = [0; 4096];
        match { file }.read(&mut part) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            // Another reader was faster.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until a read does not block, at most until the time limit expires.
fn wait(file: &File) -> io::Result<()> {
    let left = deadline::left().and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut [PollFd::new(file, PollFlags::IN)], left.as_ref()) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::TimedOut, "the time limit has expired")),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
