//! Runs a helper until it terminates, or until its time limit.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How many bytes of the helper's stderr are kept.
const STDERR_LIMIT: usize = 4096;

/// The time between two checks of the helper, if no descriptor reports its termination.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How long to wait for a killed helper: half of the 10 ms by which a call may be late.
const KILL_TIMEOUT: Duration = Duration::from_millis(5);

/// How a run ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Exited(ExitStatus),
    /// The helper has terminated, and its status is lost: it was discarded or another thread took it.
    StatusLost,
    /// The time limit is reached. The child is the helper, if it is not reaped.
    TimedOut(Option<Child>),
}

/// Runs `program`. Returns the outcome and the beginning of its stderr.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    timeout: Option<Duration>,
) -> io::Result<(Outcome, Vec<u8>)> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut helper = HelperProcess::spawn(program, arguments)?;
    let outcome = helper.wait_until(deadline)?;
    let is_reaped = outcome.is_some() || helper.kill()?;
    // Not until EOF: a descendant of the helper may keep the pipe open.
    while helper.output.len() < STDERR_LIMIT && helper.read_stderr() {}
    let HelperProcess { child, output, .. } = helper;
    let timed_out = || Outcome::TimedOut((!is_reaped).then_some(child));
    Ok((outcome.unwrap_or_else(timed_out), output))
}

struct HelperProcess {
    child: Child,
    /// Refers to `child` until it is reaped. Opened before the first `waitpid(2)`: a child that is not
    /// reaped then was not reaped at the open, so its process ID was not reused.
    pidfd: Option<OwnedFd>,
    /// In non-blocking mode; `None` after EOF.
    stderr: Option<ChildStderr>,
    /// The first bytes of stderr.
    output: Vec<u8>,
}

impl HelperProcess {
    fn spawn(program: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
        let stderr = child.stderr.take().filter(|stderr| ioctl_fionbio(stderr, true).is_ok());
        Ok(Self { child, pidfd, stderr, output: Vec::new() })
    }

    /// Waits for termination; `None` if `deadline` is reached first.
    fn wait_until(&mut self, deadline: Option<Instant>) -> io::Result<Option<Outcome>> {
        loop {
            if let Some(outcome) = self.try_wait()? {
                return Ok(Some(outcome));
            }
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            self.wait_for_event(left);
            self.read_stderr();
        }
    }

    fn try_wait(&mut self) -> io::Result<Option<Outcome>> {
        match self.child.try_wait() {
            Ok(status) => Ok(status.map(Outcome::Exited)),
            // ECHILD: the process ID belongs to no child any more, so the helper has terminated.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::CHILD) => {
                Ok(Some(Outcome::StatusLost))
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until the helper terminates or writes, at most for the time `left`.
    fn wait_for_event(&self, left: Option<Duration>) {
        let interval = left.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL);
        let longest = if self.pidfd.is_some() { left } else { Some(interval) };
        let fds = [self.pidfd.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds: Vec<PollFd<'_>> = fds.into_iter().flatten().map(readable).collect();
        let timeout = longest.and_then(|longest| Timespec::try_from(longest).ok());
        if poll(&mut fds, timeout.as_ref()).is_err() {
            thread::sleep(interval);
        }
    }

    /// Reads stderr once, without blocking. Returns whether there was anything to read.
    ///
    /// Also reads what exceeds the limit, because a full pipe would block the helper.
    fn read_stderr(&mut self) -> bool {
        let Some(stderr) = &mut self.stderr else { return false };
        let mut buffer = [0; STDERR_LIMIT];
        match stderr.read(&mut buffer) {
            Ok(length @ 1..) => {
                let kept = length.min(STDERR_LIMIT - self.output.len());
                self.output.extend_from_slice(&buffer[..kept]);
                return true;
            }
            Err(error) if is_temporary(error.kind()) => {}
            Ok(_) | Err(_) => self.stderr = None,
        }
        false
    }

    /// Sends SIGKILL to the helper, and reaps it if it terminates at once. `false`: it has not terminated yet.
    fn kill(&mut self) -> io::Result<bool> {
        // The error is ignored: the caller may have no permission to signal a set-user-ID helper.
        let _ = match &self.pidfd {
            Some(pidfd) => pidfd_send_signal(pidfd, Signal::KILL).map_err(io::Error::from),
            None => self.child.kill(),
        };
        Ok(self.wait_until(Some(Instant::now() + KILL_TIMEOUT))?.is_some())
    }
}

fn is_temporary(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
