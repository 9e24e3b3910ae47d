//! The pipes of the program, and its output.

use std::future::poll_fn;
use std::io;
use std::prelude::rust_2024::*;
use std::process::Output;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::time::{Instant, timeout_at};

use super::Process;
use super::pipes::Stream;
use super::process::failed;
use crate::error::Error;
use crate::process::{LimitedOutput, OutputLimit};
use crate::step::Step;

impl Process {
    /// Takes the writing end of a piped stdin; `None` if stdin is not piped or was taken. Dropping it closes the
    /// stream.
    pub fn take_stdin(&mut self) -> Option<Sender> {
        self.pipes.stdin.take()
    }

    /// Takes the reading end of a piped stdout; `None` if stdout is not piped or was taken.
    pub fn take_stdout(&mut self) -> Option<Receiver> {
        self.pipes.stdout.take()
    }

    /// Takes the reading end of a piped stderr; `None` if stderr is not piped or was taken.
    pub fn take_stderr(&mut self) -> Option<Receiver> {
        self.pipes.stderr.take()
    }

    /// Closes a piped stdin, reads piped stdout and stderr until EOF, both at once, and waits for the exit; see
    /// [`crate::Process::wait_with_output`].
    ///
    /// To write to the program meanwhile, call [`take_stdin`](Self::take_stdin) before, and write from another task. If
    /// the future is dropped, the handle is dropped.
    ///
    /// # Errors
    /// As [`crate::Process::wait_with_output`].
    ///
    /// # Panics
    /// As [`join`](Self::join).
    pub async fn wait_with_output(mut self) -> Result<Output, Error> {
        let output = self.finish(None).await?;
        self.get().within_limit(output)
    }

    /// As [`wait_with_output`](Self::wait_with_output), for `limit` at most, and reports a reached limit as a value; see
    /// [`crate::Process::wait_with_output_timeout`].
    ///
    /// # Errors
    /// As [`crate::Process::wait_with_output_timeout`].
    ///
    /// # Panics
    /// As [`join`](Self::join).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use ns_process::{Container, OutputLimit, Stdio};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ns_process::Error> {
    /// let mut job = Container::new("yes");
    /// let process = job.output_limit(1000).stdout(Stdio::piped()).start_async().await?;
    /// let output = process.wait_with_output_timeout(Duration::from_secs(5)).await?;
    /// assert_eq!((output.stdout.len(), output.ended_by), (1000, Some(OutputLimit::Stdout)));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_with_output_timeout(
        mut self,
        limit: Duration,
    ) -> Result<LimitedOutput, Error> {
        let output = self.finish(Instant::now().checked_add(limit)).await?;
        Ok(LimitedOutput { usage: self.usage()?, ..output })
    }

    /// Reads until the streams have ended and the process has exited, or a limit is reached and the process is killed.
    async fn finish(&mut self, deadline: Option<Instant>) -> Result<LimitedOutput, Error> {
        drop(self.pipes.stdin.take());
        let limit = self.get().output_limit();
        let mut stdout = Stream::new(self.pipes.stdout.take(), limit);
        let mut stderr = Stream::new(self.pipes.stderr.take(), limit);
        let mut ended_by = match read_both(&mut stdout, &mut stderr, deadline).await {
            Ok(limit) => limit,
            Err(error) => {
                let _ = self.kill_and_join().await;
                return Err(failed(self.get(), Step::Output, &error));
            }
        };
        let joined = match ended_by {
            None => self.wait_until(deadline).await?,
            Some(_) => None,
        };
        let status = if let Some(status) = joined {
            status
        } else {
            ended_by = ended_by.or(Some(OutputLimit::Time));
            let status = self.kill_and_join().await?;
            let drained = stdout.drain().and_then(|()| stderr.drain());
            drained.map_err(|errno| self.get().failed(Step::Output, errno))?;
            status
        };
        let (stdout, stderr) = (stdout.bytes, stderr.bytes);
        Ok(LimitedOutput { status, stdout, stderr, ended_by, usage: None })
    }
}

/// Reads until both streams have ended, or a limit is reached, which is returned.
async fn read_both(
    stdout: &mut Stream,
    stderr: &mut Stream,
    deadline: Option<Instant>,
) -> io::Result<Option<OutputLimit>> {
    let read = poll_fn(|context| poll_both(context, stdout, stderr));
    match deadline {
        None => read.await,
        Some(deadline) => timeout_at(deadline, read).await.unwrap_or(Ok(Some(OutputLimit::Time))),
    }
}

fn poll_both(
    context: &mut Context<'_>,
    stdout: &mut Stream,
    stderr: &mut Stream,
) -> Poll<io::Result<Option<OutputLimit>>> {
    let read = [stdout.poll_read(context)?, stderr.poll_read(context)?];
    Poll::Ready(Ok(match read {
        [Poll::Ready(true), _] => Some(OutputLimit::Stdout),
        [_, Poll::Ready(true)] => Some(OutputLimit::Stderr),
        [Poll::Ready(false), Poll::Ready(false)] => None,
        [Poll::Pending, _] | [_, Poll::Pending] => return Poll::Pending,
    }))
}
