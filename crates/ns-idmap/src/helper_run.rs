//! Runs a helper until it ends.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How much of the helper's stderr is kept.
const KEPT: usize = 4096;

/// The time between two looks at the helper, where nothing else reports its end.
const TICK: Duration = Duration::from_millis(2);

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Exited(ExitStatus),
    /// The helper has ended, and its status went to another reaper or to none.
    StatusLost,
}

/// Runs `program`; returns how it ended and the beginning of its stderr.
pub(crate) fn run(program: &Path, arguments: &[String]) -> io::Result<(Ending, Vec<u8>)> {
    let mut running = Running::start(program, arguments)?;
    let ending = running.wait()?;
    // Not to the end of file: a descendant of the helper may hold the pipe open.
    while running.said.len() < KEPT && running.listen() {}
    Ok((ending, running.said))
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

    fn wait(&mut self) -> io::Result<Ending> {
        loop {
            if let Some(ending) = self.look()? {
                return Ok(ending);
            }
            self.pause();
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

    /// Sleeps until the helper ends or writes.
    fn pause(&self) {
        let longest = if self.pidfd.is_some() { None } else { Some(TICK) };
        let fds = [self.pidfd.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
        let ready = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds: Vec<PollFd<'_>> = fds.into_iter().flatten().map(ready).collect();
        let timeout = longest.and_then(|longest| Timespec::try_from(longest).ok());
        if poll(&mut fds, timeout.as_ref()).is_err() {
            thread::sleep(TICK);
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
}

fn is_for_now(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
