//! The pipes of the program, and its output.

use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Output};
use std::time::Instant;

use ns_sys::Errno;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{read, retry_on_intr};

use super::Process;
use super::hangup::is_polled;
use crate::error::Error;
use crate::step::Step;

/// How many bytes are read at once, at least: the capacity of a pipe.
const CHUNK: usize = 64 * 1024;

impl Process {
    /// Takes the writing end of a piped stdin; `None` if stdin is not piped or was taken. Dropping it closes the
    /// stream.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.pipes[0].take().map(ChildStdin::from)
    }

    /// Takes the reading end of a piped stdout; `None` if stdout is not piped or was taken.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.pipes[1].take().map(ChildStdout::from)
    }

    /// Takes the reading end of a piped stderr; `None` if stderr is not piped or was taken.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.pipes[2].take().map(ChildStderr::from)
    }

    /// Closes a piped stdin, reads piped stdout and stderr until EOF, both at once, and joins the process.
    ///
    /// EOF comes when no process has the writing end open any more, which may be later than the exit of this
    /// process. On an error the process is killed. Blocks, without a time limit.
    ///
    /// # Errors
    /// [`Step::Output`]; and as [`join`](Self::join).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Stdio};
    ///
    /// let process = Container::new("echo").arg("text").stdout(Stdio::piped()).start()?;
    /// assert_eq!(process.wait_with_output()?.stdout, b"text\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn wait_with_output(mut self) -> Result<Output, Error> {
        let [stdin, stdout, stderr] = std::mem::take(&mut self.pipes);
        drop(stdin);
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let streams = [(stdout, &mut output), (stderr, &mut errors)];
        if let Err(errno) = read_all(streams) {
            let _ = self.kill();
            let _ = self.join();
            return Err(self.failed(Step::Output, errno));
        }
        Ok(Output { status: self.join()?, stdout: output, stderr: errors })
    }
}

/// Reads whichever pipe has data, so that a process that writes to one is not blocked by a read of the other.
fn read_all<const N: usize>(
    mut streams: [(Option<OwnedFd>, &mut Vec<u8>); N],
) -> Result<(), Errno> {
    loop {
        let pipes = streams.iter().filter_map(|(pipe, _)| pipe.as_ref());
        let mut polled: Vec<_> = pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        if polled.is_empty() {
            return Ok(());
        }
        retry_on_intr(|| poll(&mut polled, None))?;
        for (pipe, bytes) in &mut streams {
            let Some(ready) = pipe.as_ref().filter(|pipe| is_ready(pipe)) else { continue };
            bytes.reserve(CHUNK);
            if retry_on_intr(|| read(ready, spare_capacity(bytes)))? == 0 {
                *pipe = None;
            }
        }
    }
}

fn is_ready(pipe: &OwnedFd) -> bool {
    is_polled(pipe, PollFlags::IN, Some(Instant::now())) == Ok(true)
}
