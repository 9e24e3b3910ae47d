//! Opening a file that may make its opener wait: a FIFO without a peer.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};

/// How long to sleep between two looks for a peer.
const ROUND: Duration = Duration::from_millis(5);

/// As `options.open(path)`, but no longer than until the deadline.
///
/// # Errors
/// Those of open(2); `ETIMEDOUT` at the deadline.
pub(super) fn open_until(
    options: &OpenOptions,
    path: &Path,
    deadline: Instant,
) -> io::Result<File> {
    let mut options = options.clone();
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = loop {
        match options.open(path) {
            // A FIFO without a reader.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) => sleep(deadline)?,
            opened => break opened?,
        }
    };
    let flags = fcntl_getfl(&file)?;
    if file.metadata()?.file_type().is_fifo() && !flags.contains(OFlags::WRONLY) {
        wait_for_writer(&file, deadline)?;
    }
    fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Waits until the FIFO has a writer, as open(2) without `O_NONBLOCK` does. tee(2) says so: of an empty one it
/// copies nothing without a writer, and fails with one.
fn wait_for_writer(fifo: &File, deadline: Instant) -> io::Result<()> {
    let (_reader, copies) = pipe_with(PipeFlags::CLOEXEC)?;
    loop {
        match tee(fifo, &copies, 1, SpliceFlags::NONBLOCK) {
            Ok(0) => sleep(deadline)?,
            Ok(_) | Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn sleep(deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Errno::TIMEDOUT.into());
    }
    thread::sleep(left.min(ROUND));
    Ok(())
}
