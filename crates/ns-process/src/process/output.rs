//! The pipes of the program, and its output.

use std::format;
use std::io::Read;
use std::prelude::rust_2024::*;
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus, Output};
use std::time::{Duration, Instant};

use ns_sys::Errno;

use super::transfer::{self, Failure, Input, Transfer};
use super::{Process, Usage};
use crate::error::Error;
use crate::step::Step;

/// The output of a process that was limited in time and size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitedOutput {
    /// The exit status. If the process had not exited at the limit, it was killed by `SIGKILL`.
    pub status: ExitStatus,
    /// The output on stdout, if stdout is piped.
    pub stdout: Vec<u8>,
    /// The output on stderr, if stderr is piped.
    pub stderr: Vec<u8>,
    /// The limit that was reached first; `None` if the process exited and its streams ended before.
    pub ended_by: Option<OutputLimit>,
    /// The resources that the process has used; see [`Process::usage`].
    pub usage: Option<Usage>,
}

/// A limit that ended the wait for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputLimit {
    /// The time limit.
    Time,
    /// The size limit of stdout.
    Stdout,
    /// The size limit of stderr.
    Stderr,
}

impl Process {
    /// Takes the writing end of a piped stdin; `None` if stdin is not piped or was taken. Dropping it closes the
    /// stream.
    ///
    /// A program that writes more to a piped stdout or stderr than a pipe holds (64 KiB) stops reading until
    /// the output is read: to do both, use [`wait_with_input`](Self::wait_with_input).
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.pipes[0].take().map(ChildStdin::from)
    }

    /// Takes the reading end of a piped stdout; `None` if stdout is not piped or was taken.
    ///
    /// Read it before [`join`](Self::join): a pipe holds 64 KiB, and a program that writes more waits for a reader.
    /// If stderr is piped too, [`wait_with_output`](Self::wait_with_output) reads both at once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.pipes[1].take().map(ChildStdout::from)
    }

    /// Takes the reading end of a piped stderr; `None` if stderr is not piped or was taken.
    ///
    /// Read it before [`join`](Self::join), as [`take_stdout`](Self::take_stdout).
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.pipes[2].take().map(ChildStderr::from)
    }

    /// Closes a piped stdin, reads piped stdout and stderr until EOF, both at once, and joins the process.
    ///
    /// EOF comes when no process has the writing end open any more, which may be later than the exit of this
    /// process. On an error the process is killed. Blocks, without a time limit.
    ///
    /// # Errors
    /// - [`Step::Output`], without an errno: a stream has more bytes than
    ///   [`output_limit`](crate::Builder::output_limit).
    /// - As [`join`](Self::join).
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
        let output = self.finish(None, None)?;
        self.within_limit(output)
    }

    /// As [`wait_with_output`](Self::wait_with_output), and writes the bytes of `input` to a piped stdin meanwhile.
    ///
    /// Closes stdin at the end of `input`. If the program closes its stdin or exits earlier, the rest of `input` is not
    /// read; this is no error. Use it for filters such as sort(1): a caller that writes all of the input before it
    /// reads the output blocks forever once both pipes are full. For bytes in memory and for files,
    /// [`Stdio::bytes`](crate::Stdio::bytes) and [`Stdio::path`](crate::Stdio::path) at stdin are simpler. Blocks,
    /// without a time limit.
    ///
    /// # Errors
    /// - As [`wait_with_output`](Self::wait_with_output).
    /// - [`Step::Output`]: `input` failed, with its error; or stdin is not piped.
    ///
    /// # Panics
    /// If `input` does. The process is killed.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Stdio};
    ///
    /// let mut sort = Container::new("sort");
    /// let process = sort.stdin(Stdio::piped()).stdout(Stdio::piped()).start()?;
    /// assert_eq!(process.wait_with_input("b\na\n".as_bytes())?.stdout, b"a\nb\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn wait_with_input(mut self, mut input: impl Read) -> Result<Output, Error> {
        let output = self.finish(Some(&mut input), None)?;
        self.within_limit(output)
    }

    /// As [`wait_with_output`](Self::wait_with_output), for `limit` at most, and reports a reached limit as a value.
    ///
    /// When `limit` has passed, or a stream has more bytes than [`output_limit`](crate::Builder::output_limit), the
    /// process is killed, together with all processes that [`kill_tree`](Self::kill_tree) kills. The output until then
    /// is returned, of each stream at most the limit. If the process has exited but a descendant has a stream open, the
    /// wait for EOF continues until `limit` has passed. The status is then the exit status of the process, and
    /// [`ended_by`](LimitedOutput::ended_by) is [`OutputLimit::Time`]. Blocks for `limit`, and then for one second at
    /// most, or 50 ms if the process is traced.
    ///
    /// # Errors
    /// - As [`join`](Self::join) and [`kill`](Self::kill).
    /// - `ETIMEDOUT`: the process was killed but has not exited.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use ns_process::{Container, OutputLimit, Stdio};
    ///
    /// let mut job = Container::new("yes");
    /// let process = job.output_limit(1000).stdout(Stdio::piped()).start()?;
    /// let output = process.wait_with_output_timeout(Duration::from_secs(5))?;
    /// assert_eq!((output.stdout.len(), output.ended_by), (1000, Some(OutputLimit::Stdout)));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn wait_with_output_timeout(mut self, limit: Duration) -> Result<LimitedOutput, Error> {
        let output = self.finish(None, deadline(limit))?;
        self.with_usage(output)
    }

    /// As [`wait_with_output_timeout`](Self::wait_with_output_timeout), and writes the bytes of `input` to a piped
    /// stdin meanwhile, as [`wait_with_input`](Self::wait_with_input).
    ///
    /// The calling thread reads `input`, so a read that blocks delays the limits.
    ///
    /// # Errors
    /// As [`wait_with_output_timeout`](Self::wait_with_output_timeout) and [`wait_with_input`](Self::wait_with_input).
    pub fn wait_with_input_timeout(
        mut self,
        mut input: impl Read,
        limit: Duration,
    ) -> Result<LimitedOutput, Error> {
        let output = self.finish(Some(&mut input), deadline(limit))?;
        self.with_usage(output)
    }

    /// Transfers until the streams have ended and the process has exited, or a limit is reached and the process is
    /// killed.
    fn finish(
        &mut self,
        input: Option<&mut dyn Read>,
        deadline: Option<Instant>,
    ) -> Result<LimitedOutput, Error> {
        // A panic of the reader ends the process, as its error does.
        self.set_kill_on_drop(true);
        let mut transfer = self.transfer(input)?;
        let reached =
            transfer.run(self.pidfd(), deadline).map_err(|failure| self.killed_by(failure))?;
        transfer.input = None;
        let (status, ended_by) = self.join_or_kill(reached, deadline)?;
        if ended_by.is_some() {
            transfer.drain().map_err(|errno| self.failed(Step::Output, errno))?;
        }
        let (stdout, stderr) = (transfer.stdout.bytes, transfer.stderr.bytes);
        Ok(LimitedOutput { status, stdout, stderr, ended_by, usage: None })
    }

    /// Joins the process if no limit is reached, until the deadline; else kills it.
    fn join_or_kill(
        &self,
        reached: Option<OutputLimit>,
        deadline: Option<Instant>,
    ) -> Result<(ExitStatus, Option<OutputLimit>), Error> {
        let joined = match (reached, deadline) {
            (None, None) => Some(self.join()?),
            (None, deadline) => self.join_until(deadline)?,
            (Some(_), _) => None,
        };
        match joined {
            Some(status) => Ok((status, None)),
            None => Ok((self.kill_and_join()?, reached.or(Some(OutputLimit::Time)))),
        }
    }

    fn transfer<'a>(&mut self, reader: Option<&'a mut dyn Read>) -> Result<Transfer<'a>, Error> {
        let [stdin, stdout, stderr] = std::mem::take(&mut self.pipes);
        let input = match (reader, stdin) {
            (None, _) => None,
            (Some(reader), Some(pipe)) => Some(Input::new(pipe, reader)),
            (Some(_), None) => return Err(self.without_stdin()),
        };
        let failed = |errno: Errno| self.killed_by(errno.into());
        let input = input.transpose().map_err(failed)?;
        let output = |pipe| transfer::Output::new(pipe, self.output_limit).map_err(failed);
        Ok(Transfer { input, stdout: output(stdout)?, stderr: output(stderr)? })
    }

    fn without_stdin(&self) -> Error {
        let _ = self.kill_and_join();
        Error::new(self.name(), Step::Output)
            .with_object("stdin is not piped, or was taken")
            .with_hint(Some("stdin(Stdio::piped()) makes the pipe to which the input is written"))
    }

    /// Kills the process after a failed transfer.
    fn killed_by(&self, failure: Failure) -> Error {
        let _ = self.kill_and_join();
        match failure {
            Failure::Call(errno) => self.failed(Step::Output, errno),
            Failure::Reader(error) => Error::new(self.name(), Step::Output)
                .with_errno(Errno::from_io_error(&error))
                .with_object(format!("the reader of the input: {error}")),
        }
    }

    fn with_usage(&self, output: LimitedOutput) -> Result<LimitedOutput, Error> {
        Ok(LimitedOutput { usage: self.usage()?, ..output })
    }

    /// The output, if no stream was longer than its limit.
    pub(crate) fn within_limit(&self, output: LimitedOutput) -> Result<Output, Error> {
        let LimitedOutput { status, stdout, stderr, ended_by, .. } = output;
        let stream = match ended_by {
            None => return Ok(Output { status, stdout, stderr }),
            Some(OutputLimit::Stderr) => "stderr",
            Some(OutputLimit::Stdout | OutputLimit::Time) => "stdout",
        };
        let limit = self.output_limit.unwrap_or_default();
        Err(Error::new(self.name(), Step::Output)
            .with_object(format!("{stream} has more than {limit} bytes"))
            .with_hint(Some("output_limit; output_timeout returns the bytes up to the limit")))
    }
}

/// `None` if the limit is too long for the clock.
fn deadline(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}
