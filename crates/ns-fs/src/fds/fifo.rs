//! Opening with a deadline. open(2) of a FIFO waits for a peer.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};

/// The time between two checks for a peer.
const INTERVAL: Duration = Duration::from_millis(5);

/// As `options.open(path)`, but waits for a peer only until the deadline.
///
/// # Errors
/// Those of open(2), and `ETIMEDOUT` at the deadline.
pub(super) fn open_until(
    options: &OpenOptions,
    path: &Path,
    deadline: Instant,
) -> io::Result<File> {
    let mut options = options.clone();
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    options.custom_flags(flags);
    let file = loop {
        match options.open(path) {
            Err(error) if would_block(&error, path) => sleep(deadline)?,
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

/// Whether open(2) without `O_NONBLOCK` would wait, for a reader of the FIFO or the end of a lease.
fn would_block(error: &io::Error, path: &Path) -> bool {
    match Errno::from_io_error(error) {
        Some(Errno::NXIO) => fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()),
        errno => errno == Some(Errno::AGAIN),
    }
}

/// Waits until the FIFO has a writer, as open(2) without `O_NONBLOCK` does.
///
/// tee(2) from an empty FIFO returns 0 without a writer, and `EAGAIN` with one. poll(2) reports a hangup
/// if a writer has opened and closed the FIFO meanwhile.
fn wait_for_writer(fifo: &File, deadline: Instant) -> io::Result<()> {
    let (_reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    loop {
        match tee(fifo, &writer, 1, SpliceFlags::NONBLOCK) {
            Ok(0) if has_hung_up(fifo)? => return Ok(()),
            Ok(0) => sleep(deadline)?,
            Ok(_) | Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn has_hung_up(fifo: &File) -> io::Result<bool> {
    let mut ends = [PollFd::new(fifo, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(retry_on_intr(|| poll(&mut ends, Some(&now)))? == 1)
}

fn sleep(deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Errno::TIMEDOUT.into());
    }
    thread::sleep(left.min(INTERVAL));
    Ok(())
}
