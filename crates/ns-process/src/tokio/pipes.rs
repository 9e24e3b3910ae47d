//! The caller's ends of piped streams.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::task::{Context, Poll, ready};

use ns_sys::Errno;
use rustix::io::{ioctl_fionread, read, retry_on_intr};
use tokio::net::unix::pipe::{Receiver, Sender};

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// The ends that were not taken.
#[derive(Default)]
pub(super) struct Pipes {
    pub(super) stdin: Option<Sender>,
    pub(super) stdout: Option<Receiver>,
    pub(super) stderr: Option<Receiver>,
}

impl Pipes {
    /// Takes the pipes of `process`, and registers them with the current runtime.
    pub(super) fn register(process: &mut crate::Process) -> io::Result<Self> {
        let stdin = process.take_stdin().map(OwnedFd::from).map(Sender::from_owned_fd);
        let stdout = process.take_stdout().map(OwnedFd::from).map(Receiver::from_owned_fd);
        let stderr = process.take_stderr().map(OwnedFd::from).map(Receiver::from_owned_fd);
        Ok(Self {
            stdin: stdin.transpose()?,
            stdout: stdout.transpose()?,
            stderr: stderr.transpose()?,
        })
    }

    pub(super) fn into_blocking(self) -> io::Result<[Option<OwnedFd>; 3]> {
        Ok([
            self.stdin.map(Sender::into_blocking_fd).transpose()?,
            self.stdout.map(Receiver::into_blocking_fd).transpose()?,
            self.stderr.map(Receiver::into_blocking_fd).transpose()?,
        ])
    }
}

/// A stream that is read.
pub(super) struct Stream {
    /// `None` at its end.
    pipe: Option<Receiver>,
    pub(super) bytes: Vec<u8>,
    limit: usize,
}

impl Stream {
    pub(super) fn new(pipe: Option<Receiver>, limit: Option<usize>) -> Self {
        Self { pipe, bytes: Vec::new(), limit: limit.unwrap_or(usize::MAX) }
    }

    /// Reads until the end, or until the stream has more bytes than its limit, and then returns `true`.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = [0; CHUNK];
        while let Some(pipe) = &self.pipe {
            // Pending from time to time, so that a program that never stops writing does not occupy the thread.
            ready!(pipe.poll_read_ready(context))?;
            match pipe.try_read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(length) if self.take(&chunk[..length]) => return Poll::Ready(Ok(true)),
                Ok(_) => {}
                Err(error) if is_transient(error.kind()) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(false))
    }

    /// Reads what the pipe holds now, up to the limit. A process that still writes to it does not prolong this.
    pub(super) fn drain(&mut self) -> Result<(), Errno> {
        let Some(pipe) = self.pipe.take() else { return Ok(()) };
        let mut held = usize::try_from(ioctl_fionread(&pipe)?).unwrap_or(usize::MAX);
        let mut chunk = [0; CHUNK];
        while held > 0 {
            let chunk = &mut chunk[..held.min(CHUNK)];
            // Without the runtime, which may not have seen yet that the pipe is readable.
            let length = match retry_on_intr(|| read(&pipe, &mut *chunk)) {
                // Another process has read from the same pipe.
                Err(Errno::AGAIN) => break,
                read => read?,
            };
            if length == 0 || self.take(&chunk[..length]) {
                break;
            }
            held -= length;
        }
        Ok(())
    }

    /// Adds bytes up to the limit; returns whether there were more.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let room = self.limit - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        bytes.len() > room
    }
}

fn is_transient(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
