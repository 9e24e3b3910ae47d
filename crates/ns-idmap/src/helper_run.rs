//! Runs a helper until it ends, or until its time is over.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How much of the helper's stderr is kept.
const KEPT: usize = 4096;

/// The time between two looks at the helper, where nothing else reports its end.
const TICK: Duration = Duration::from_millis(2);

/// How long a killed helper is waited for: half of the 10 ms that a call may be late.
const GRACE: Duration = Duration::from_millis(5);

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Exited(ExitStatus),
    /// The helper has ended, and its status went to another reaper or to none.
    StatusLost,
    /// The time is over. The child is a helper that has not been reaped.
    TimedOut(Option<Child>),
}

/// Runs `program`; returns how it ended and the beginning of its stderr.
pub(crate) fn run(
    program: &Path,
    arguments: &[String],
    timeout: Option<Duration>,
) -> io::Result<(Ending, Vec<u8>)> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut running = Running::start(program, arguments)?;
    let ended = running.wait_until(deadline)?;
    let is_reaped = ended.is_some() || running.stop()?;
    // Not to the end of file: a descendant of the helper may hold the pipe open.
    while running.said.len() < KEPT && running.listen() {}
    let Running { child, said, .. } = running;
    let late = || Ending::TimedOut((!is_reaped).then_some(child));
    Ok((ended.unwrap_or_else(late), said))
}

struct Running {
    child: Child,
    /// Valid while `child` is not reaped: the first look at it comes after this was opened, so the
    /// number was not yet another process's.
    pidfd: Option<OwnedFd>,
    /// In non-blocking mode; `None` after the end of file.
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
}

impl Running {
    fn start(program: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
        let stderr = child.stderr.take().filter(|stderr| ioctl_fionbio(stderr, true).is_ok());
        Ok(Self { child, pidfd, stderr, said: Vec::new() })
    }

    /// Waits for the end; `None` once `deadline` is over.
    fn wait_until(&mut self, deadline: Option<Instant>) -> io::Result<Option<Ending>> {
        loop {
            if let Some(ending) = self.look()? {
                return Ok(Some(ending));
            }
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            self.pause(left);
            self.listen();
        }
    }

    fn look(&mut self) -> io::Result<Option<Ending>> {
        match self.child.try_wait() {
            Ok(status) => Ok(status.map(Ending::Exited)),
            // The number is no child's any more, so the helper has ended.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::CHILD) => {
                Ok(Some(Ending::StatusLost))
            }
            Err(error) => Err(error),
        }
    }

    /// Sleeps until the helper ends or writes, or for as long as `left` says.
    fn pause(&self, left: Option<Duration>) {
        let tick = left.unwrap_or(TICK).min(TICK);
        let longest = if self.pidfd.is_some() { left } else { Some(tick) };
        let fds = [self.pidfd.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
        let ready = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds: Vec<PollFd<'_>> = fds.into_iter().flatten().map(ready).collect();
        let timeout = longest.and_then(|longest| Timespec::try_from(longest).ok());
        if poll(&mut fds, timeout.as_ref()).is_err() {
            thread::sleep(tick);
        }
    }

    /// Reads once, without waiting; returns whether there was anything.
    ///
    /// What is not kept is read too, or the helper might wait for a reader.
    fn listen(&mut self) -> bool {
        let Some(stderr) = &mut self.stderr else { return false };
        let mut piece = [0; KEPT];
        match stderr.read(&mut piece) {
            Ok(length @ 1..) => {
                let kept = length.min(KEPT - self.said.len());
                self.said.extend_from_slice(&piece[..kept]);
                return true;
            }
            Err(error) if is_for_now(error.kind()) => {}
            Ok(_) | Err(_) => self.stderr = None,
        }
        false
    }

    /// Kills the helper; returns whether it ended at once, and so was reaped.
    fn stop(&mut self) -> io::Result<bool> {
        // A set-user-ID helper may be out of reach.
        let _ = match &self.pidfd {
            Some(pidfd) => pidfd_send_signal(pidfd, Signal::KILL).map_err(io::Error::from),
            None => self.child.kill(),
        };
        Ok(self.wait_until(Some(Instant::now() + GRACE))?.is_some())
    }
}

fn is_for_now(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
