//! Lines on stderr.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, Result, write};
use rustix::stdio::stderr;

/// Prints a line, in one write(2) if possible, so that output of the program does not split it.
///
/// If the descriptor has `O_NONBLOCK` and the pipe is full, waits for the reader, as a blocking write does.
pub(super) fn print(line: &str) -> Result<()> {
    let text = format!("{line}\n");
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match write(stderr(), rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait_for_reader()?,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn wait_for_reader() -> Result<()> {
    match poll(&mut [PollFd::new(&stderr(), PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}
