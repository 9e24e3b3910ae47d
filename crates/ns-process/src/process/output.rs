//! The program's streams, and all that it prints.

use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Output};

use ns_sys::Errno;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{read, retry_on_intr};

use super::Process;
use crate::error::Error;
use crate::step::Step;

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;

impl Process {
    /// The caller's end of a piped stdin, once; std's own type, which ends the stream when dropped.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.pipes[0].take().map(ChildStdin::from)
    }

    /// The caller's end of a piped stdout, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.pipes[1].take().map(ChildStdout::from)
    }

    /// The caller's end of a piped stderr, once.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.pipes[2].take().map(ChildStderr::from)
    }

    /// Ends a piped stdin, reads the piped streams to their end, both at once, and joins.
    ///
    /// The streams end when nobody has them open any more, which may be later than the end of the
    /// process. On an error the process is killed.
    ///
    /// # Errors
    /// [`Step::Output`]; and as [`join`](Self::join).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Stdio};
    ///
    /// let process = Container::new("echo").arg("told").stdout(Stdio::piped()).start()?;
    /// assert_eq!(process.wait_with_output()?.stdout, b"told\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn wait_with_output(mut self) -> Result<Output, Error> {
        let [stdin, stdout, stderr] = std::mem::take(&mut self.pipes);
        drop(stdin);
        let (mut printed, mut complained) = (Vec::new(), Vec::new());
        let streams = [(stdout, &mut printed), (stderr, &mut complained)];
        if let Err(errno) = read_all(streams) {
            let _ = self.kill();
            let _ = self.join();
            return Err(self.failed(Step::Output, errno));
        }
        Ok(Output { status: self.join()?, stdout: printed, stderr: complained })
    }
}

/// Reads whichever has something, so that a writer never waits for a reader of the other.
fn read_all<const N: usize>(
    mut streams: [(Option<OwnedFd>, &mut Vec<u8>); N],
) -> Result<(), Errno> {
    while streams.iter().any(|(pipe, _)| pipe.is_some()) {
        wait_for_any(&streams)?;
        for (pipe, bytes) in &mut streams {
            if pipe.as_ref().is_some_and(is_ready) && read_some(pipe.as_ref(), bytes)? == 0 {
                *pipe = None;
            }
        }
    }
    Ok(())
}

fn wait_for_any(streams: &[(Option<OwnedFd>, &mut Vec<u8>)]) -> Result<(), Errno> {
    let pipes = streams.iter().filter_map(|(pipe, _)| pipe.as_ref());
    let mut pipes: Vec<_> = pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
    retry_on_intr(|| poll(&mut pipes, None)).map(drop)
}

fn is_ready(pipe: &OwnedFd) -> bool {
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut pipe = [PollFd::new(pipe, PollFlags::IN)];
    retry_on_intr(|| poll(&mut pipe, Some(&now))).is_ok_and(|prepared| prepared > 0)
}

fn read_some(pipe: Option<&OwnedFd>, bytes: &mut Vec<u8>) -> Result<usize, Errno> {
    let Some(pipe) = pipe else { return Ok(0) };
    let before = bytes.len();
    bytes.resize(before + CHUNK, 0);
    let count = retry_on_intr(|| read(pipe.as_fd(), &mut bytes[before..]));
    bytes.truncate(before + count.unwrap_or(0));
    count
}
