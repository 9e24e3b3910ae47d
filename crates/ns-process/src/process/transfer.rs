//! The caller's ends of the standard streams: the input is written while both outputs are read.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::time::Instant;
use std::vec;

use ns_sys::Errno;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{ioctl_fionread, read, retry_on_intr};

use super::hangup::poll_until;
use super::output::OutputLimit;
use super::sigpipe::write_without_signal;

/// How many bytes are read at once, at least: the capacity of a pipe.
const CHUNK: usize = 64 * 1024;

/// The streams that are not at their end.
pub(super) struct Transfer<'a> {
    pub(super) input: Option<Input<'a>>,
    pub(super) stdout: Output,
    pub(super) stderr: Output,
}

/// Why a transfer failed.
pub(super) enum Failure {
    Call(Errno),
    /// The caller's reader of the input failed.
    Reader(io::Error),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Call(errno)
    }
}

impl Transfer<'_> {
    /// Transfers until every stream is at its end, or a limit is reached, which is returned. Once the outputs are at
    /// their end, the exit of the process ends the input: a descendant may keep stdin open and never read it.
    pub(super) fn run(
        &mut self,
        process: BorrowedFd<'_>,
        deadline: Option<Instant>,
    ) -> Result<Option<OutputLimit>, Failure> {
        loop {
            let (input, outputs) = (self.input(), [self.stdout.pipe(), self.stderr.pipe()]);
            let are_read = outputs.iter().any(Option::is_some);
            if input.is_none() && !are_read {
                return Ok(None);
            }
            let exit = (!are_read).then_some((process, PollFlags::IN));
            let [exit, ready @ ..] = ready([exit, input, outputs[0], outputs[1]], deadline)?;
            // Checked in each round, so that a program that never stops writing cannot exceed the limit.
            if deadline.is_some_and(|end| end <= Instant::now()) {
                return Ok(Some(OutputLimit::Time));
            }
            self.input.take_if(|_| !exit.is_empty());
            if let Some(limit) = self.transfer(ready)? {
                return Ok(Some(limit));
            }
        }
    }

    /// Reads what the pipes of both outputs hold now, up to their limits.
    pub(super) fn drain(&mut self) -> Result<(), Errno> {
        self.stdout.drain()?;
        self.stderr.drain()
    }

    fn input(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.input.as_ref().map(|input| (input.pipe.as_fd(), PollFlags::OUT))
    }

    fn transfer(&mut self, ready: [PollFlags; 3]) -> Result<Option<OutputLimit>, Failure> {
        let [input, stdout, stderr] = ready;
        // The process has closed its end.
        self.input.take_if(|_| input.contains(PollFlags::ERR));
        if let Some(open) = self.input.as_mut().filter(|_| !input.is_empty()) {
            if !open.write()? {
                self.input = None;
            }
        }
        if !stdout.is_empty() && self.stdout.read()? {
            return Ok(Some(OutputLimit::Stdout));
        }
        if !stderr.is_empty() && self.stderr.read()? {
            return Ok(Some(OutputLimit::Stderr));
        }
        Ok(None)
    }
}

/// Waits until one of the descriptors has an event; returns no events at the deadline.
fn ready<const N: usize>(
    fds: [Option<(BorrowedFd<'_>, PollFlags)>; N],
    deadline: Option<Instant>,
) -> Result<[PollFlags; N], Errno> {
    let open = fds.iter().flatten();
    let mut polled: Vec<_> = open.map(|(fd, events)| PollFd::new(fd, *events)).collect();
    poll_until(&mut polled, deadline)?;
    let mut events = polled.iter().map(PollFd::revents);
    Ok(fds.map(|fd| fd.and_then(|_| events.next()).unwrap_or(PollFlags::empty())))
}

/// A stream that is read.
pub(super) struct Output {
    /// `None` at its end.
    pipe: Option<OwnedFd>,
    pub(super) bytes: Vec<u8>,
    limit: usize,
}

impl Output {
    pub(super) fn new(pipe: Option<OwnedFd>, limit: Option<usize>) -> Result<Self, Errno> {
        // A blocking read would wait forever for bytes that another process takes after poll(2) has reported them. The
        // program can do so: it can open the reading end by `/proc/self/fd/1`.
        pipe.as_ref().map_or(Ok(()), |pipe| fcntl_setfl(pipe, OFlags::NONBLOCK))?;
        Ok(Self { pipe, bytes: Vec::new(), limit: limit.unwrap_or(usize::MAX) })
    }

    fn pipe(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.pipe.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN))
    }

    /// As [`try_read`](Self::try_read), also if the pipe is empty.
    fn read(&mut self) -> Result<bool, Errno> {
        match self.try_read() {
            Err(Errno::AGAIN) => Ok(false),
            exceeds => exceeds,
        }
    }

    /// Reads once; returns whether the stream has more bytes than its limit. The pipe then stays open, so that
    /// `SIGKILL` kills the process and not `SIGPIPE`. `EAGAIN`: the pipe is empty.
    fn try_read(&mut self) -> Result<bool, Errno> {
        let Some(pipe) = &self.pipe else { return Ok(false) };
        self.bytes.reserve(CHUNK);
        let length = retry_on_intr(|| read(pipe, spare_capacity(&mut self.bytes)))?;
        let exceeds = self.bytes.len() > self.limit;
        self.bytes.truncate(self.limit);
        self.pipe.take_if(|_| length == 0);
        Ok(exceeds)
    }

    /// Reads what the pipe holds now, up to the limit. A process that keeps writing does not extend this.
    fn drain(&mut self) -> Result<(), Errno> {
        let held = self.pipe.as_ref().map_or(Ok(0), ioctl_fionread)?;
        let end = self.bytes.len().saturating_add(usize::try_from(held).unwrap_or(usize::MAX));
        while self.pipe.is_some() && self.bytes.len() < end.min(self.limit) {
            match self.try_read() {
                Err(Errno::AGAIN) => break,
                read => read?,
            };
        }
        Ok(())
    }
}

/// A reader of the caller, and the pipe to which its bytes are written.
pub(super) struct Input<'a> {
    pipe: OwnedFd,
    reader: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// The bytes of the buffer that are not written yet.
    rest: Range<usize>,
}

impl<'a> Input<'a> {
    pub(super) fn new(pipe: OwnedFd, reader: &'a mut dyn Read) -> Result<Self, Errno> {
        // A blocking write to a full pipe would wait for the process, which may wait until its outputs are read.
        fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        Ok(Self { pipe, reader, buffer: vec![0; CHUNK], rest: 0..0 })
    }

    /// Writes once; returns `false` if the reader is at its end, or no process reads the pipe.
    fn write(&mut self) -> Result<bool, Failure> {
        if self.rest.is_empty() {
            self.rest = 0..self.fill()?;
        }
        let rest = &self.buffer[self.rest.clone()];
        if rest.is_empty() {
            return Ok(false);
        }
        match write_without_signal(&self.pipe, rest) {
            Ok(length) => self.rest.start += length,
            Err(Errno::AGAIN) => {}
            Err(Errno::PIPE) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
        Ok(true)
    }

    fn fill(&mut self) -> Result<usize, Failure> {
        loop {
            match self.reader.read(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read.map_err(Failure::Reader),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::prelude::rust_2024::*;

    use ns_sys::Errno;
    use rustix::pipe::pipe;

    use super::Output;

    /// Bytes that poll(2) reported may be gone: another process can read them from the same pipe.
    #[test]
    fn a_read_of_an_empty_pipe_does_not_block() -> Result<(), Errno> {
        let (reader, _writer) = pipe()?;
        let mut output = Output::new(Some(reader), None)?;
        assert_eq!(output.read(), Ok(false));
        assert_eq!(output.drain(), Ok(()));
        assert!(output.pipe.is_some());
        Ok(())
    }
}
