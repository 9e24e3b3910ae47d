//! Waits until the program terminates. Meanwhile forwards signals, and stops and continues with the program, as a shell
//! expects of a job.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ns_process::{Errno, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{getpid, kill_process};

use super::default_action::DefaultAction;
use super::descendants::Descendants;
use super::group::{group_of, leads_session};
use super::job::{Job, Origin};
use super::signals::{Received, Signals};
use super::terminal::Terminal;
use super::{Outcome, orphans};
use crate::failure::Failure;

/// How long the program may take to terminate after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for the status of an exited process. The kernel withholds it while a tracer has not reaped it.
const TRACED: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) job: Job<'a>,
    pub(super) signals: &'a Signals,
    pub(super) terminal: Option<&'a Terminal>,
    /// With `--timeout`, the processes that outlive the program.
    pub(super) descendants: Option<Descendants<'a>>,
    /// Whether `space` has stopped process 1 of a pid namespace because it used the terminal in the background.
    pub(super) stopped_in_background: Cell<bool>,
}

impl Watch<'_> {
    pub(super) fn wait(&self, mut deadline: Option<Instant>) -> Result<Outcome, Failure> {
        let mut timed_out = false;
        loop {
            if self.sleep(deadline)? {
                if let Some(status) = self.job.process.join_timeout(TRACED)? {
                    if let Some(descendants) = self.descendants.as_ref().filter(|_| timed_out) {
                        descendants.kill();
                    }
                    return Ok(Outcome { status, timed_out });
                }
            }
            self.forward_signals();
            if deadline.is_some_and(|end| end <= Instant::now()) {
                deadline = self.terminate(timed_out)?;
                timed_out = true;
            }
        }
    }

    /// Waits until the program exits, a signal arrives, or the deadline passes. Returns true if the program has exited.
    fn sleep(&self, deadline: Option<Instant>) -> Result<bool, Failure> {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut ready = [
            PollFd::new(self.job.process, PollFlags::IN),
            PollFd::new(self.signals, PollFlags::IN),
        ];
        match poll(&mut ready, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(!ready[0].revents().is_empty()),
            Err(errno) => Err(Failure::Call("poll", errno.into())),
        }
    }

    /// Sends SIGTERM, or SIGKILL if SIGTERM has already been sent (`terminated`). Returns the next deadline.
    fn terminate(&self, terminated: bool) -> Result<Option<Instant>, Failure> {
        if terminated {
            self.job.process.kill()?;
            return Ok(None);
        }
        self.job.send(Signal::TERM, None, Origin::ALONE);
        // A stopped program does not handle SIGTERM until it is continued.
        self.job.process.signal(Signal::CONT)?;
        Ok(Instant::now().checked_add(GRACE))
    }

    fn forward_signals(&self) {
        // SIGCONT was sent after a signal that has not been read yet, and may have undone the stop by a key.
        let mut continued = false;
        while let Some(received) = self.signals.next() {
            match received.signal {
                Signal::CHILD => {
                    continued |= self.mirror_stop();
                    self.reap_orphans();
                    if received.is_from_process() {
                        self.send(received, continued);
                    }
                }
                Signal::CONT => continued |= self.continue_program(),
                _ if received.is_own_write() => {}
                _ => self.send(received, continued),
            }
        }
    }

    fn reap_orphans(&self) {
        if self.descendants.is_some() || getpid().is_init() {
            orphans::reap(self.job.pid());
        }
    }

    fn send(&self, received: Received, continued: bool) {
        let signal = received.signal;
        // If `space` leads the session, a hangup is reported to it alone.
        let is_own_hangup = signal == Signal::HUP && leads_session();
        let is_key =
            received.is_from_terminal() && !is_own_hangup && self.job.is_in_callers_group();
        if let Some(terminal) = self.terminal.filter(|_| is_key) {
            terminal.signal_caller_group(signal);
        }
        let is_stop = DefaultAction::of(signal) == DefaultAction::Stop;
        let delivered = is_key && !(is_stop && continued);
        let is_forced = self.job.send(signal, received.queued(), Origin { is_key, delivered });
        self.stopped_in_background.set(is_key && is_forced && is_background_stop(signal));
        // Only the init sees that a program under it stops, so there is no SIGCHLD to mirror.
        if self.job.under_init && is_key && is_stop {
            stop();
        }
    }

    /// Stops `space` when the program has stopped in the foreground, or because it used the terminal in the background:
    /// `space` is the job that the caller's shell watches. Returns true if SIGCONT was sent to the program afterwards.
    fn mirror_stop(&self) -> bool {
        let Some(terminal) = self.terminal else { return false };
        let Some(stopped_by) = self.job.stopped_by() else { return false };
        let (group, foreground) = (self.job.group(), terminal.foreground());
        let in_foreground =
            foreground.is_some() && (foreground == group_of(None) || foreground == group);
        let in_background = is_background_stop(stopped_by) || self.stopped_in_background.take();
        if !in_foreground && !in_background {
            return false;
        }
        terminal.reclaim(group);
        stop();
        self.continue_program()
    }

    /// Sends SIGCONT to the program, unless the caller's shell has sent it to the whole group. Returns true if SIGCONT
    /// was sent.
    fn continue_program(&self) -> bool {
        self.pass_terminal();
        let needed = !self.job.is_in_callers_group() || self.job.is_stopped();
        if needed {
            self.job.send(Signal::CONT, None, Origin::ALONE);
        }
        needed
    }

    fn pass_terminal(&self) {
        let group = self.job.group();
        if let (Some(terminal), Some(group)) = (self.terminal, group) {
            terminal.pass_to(group);
        }
    }
}

/// Whether the signal is that of a process in the background that uses the terminal.
fn is_background_stop(signal: Signal) -> bool {
    matches!(signal, Signal::TTIN | Signal::TTOU)
}

/// Stops `space` itself, until the caller's shell continues it.
fn stop() {
    let _ = kill_process(getpid(), rustix::process::Signal::STOP);
}
