//! Waits for the end of the program, and meanwhile does for it what a shell expects of a job.

use std::time::{Duration, Instant};

use ns_process::{Errno, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{getpid, kill_process};

use super::Ended;
use super::group::group_of;
use super::job::Job;
use super::signals::{Arrived, Signals};
use super::terminal::Terminal;
use crate::failure::Failure;

/// How long a program may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// How long an ended process is waited for that the kernel keeps for its tracer.
const TRACED: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) job: Job<'a>,
    pub(super) signals: &'a Signals,
    pub(super) terminal: Option<&'a Terminal>,
}

impl Watch<'_> {
    pub(super) fn until_end(&self, mut deadline: Option<Instant>) -> Result<Ended, Failure> {
        let mut timed_out = false;
        loop {
            if self.sleep(deadline)? {
                if let Some(status) = self.job.process.join_timeout(TRACED)? {
                    return Ok(Ended { status, timed_out });
                }
            }
            self.pass_on();
            if deadline.is_some_and(|end| end <= Instant::now()) {
                deadline = self.end(timed_out)?;
                timed_out = true;
            }
        }
    }

    /// Whether the program has ended; returns early for a signal, and at the deadline.
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

    /// Asks the program to end, the second time without its consent; gives the next deadline.
    fn end(&self, asked: bool) -> Result<Option<Instant>, Failure> {
        if asked {
            self.job.process.kill()?;
            return Ok(None);
        }
        self.job.send(Signal::TERM, false);
        // A stopped program ends no sooner than it goes on.
        self.job.process.signal(Signal::CONT)?;
        Ok(Instant::now().checked_add(GRACE))
    }

    fn pass_on(&self) {
        // The program was let go on after what has not been read yet: a key to stop it may be undone.
        let mut went_on = false;
        while let Some(arrived) = self.signals.next() {
            match arrived.signal {
                Signal::CHILD => went_on |= self.mirror_stop(),
                Signal::CONT => went_on |= self.go_on(),
                Signal::PIPE => {}
                _ => self.send(arrived, went_on),
            }
        }
    }

    fn send(&self, Arrived { signal, by_kernel }: Arrived, went_on: bool) {
        let is_key = by_kernel && self.job.is_in_our_group();
        if let Some(terminal) = self.terminal.filter(|_| is_key) {
            terminal.tell_home(signal);
        }
        let is_stop = signal == Signal::TSTP;
        self.job.send(signal, is_key && !(is_stop && went_on));
        // That a program beside an init stops is seen by nobody but the init.
        if self.job.beside_init && is_key && is_stop {
            stop();
        }
    }

    /// A program that stops at the terminal stops the job that the caller's shell knows: `space`. Tells whether
    /// the program was let go on afterwards.
    fn mirror_stop(&self) -> bool {
        let Some(terminal) = self.terminal.filter(|_| self.job.has_stopped()) else { return false };
        let (group, front) = (self.job.group(), terminal.foreground());
        if front.is_none() || front != group_of(None) && front != group {
            return false;
        }
        terminal.take_back(group);
        stop();
        self.go_on()
    }

    /// Lets the program go on, unless it does, as the caller's shell has told the whole group.
    fn go_on(&self) -> bool {
        self.give_terminal_on();
        let is_due = !self.job.is_in_our_group() || self.job.is_stopped();
        if is_due {
            self.job.send(Signal::CONT, false);
        }
        is_due
    }

    fn give_terminal_on(&self) {
        let group = self.job.group();
        if let (Some(terminal), Some(group)) = (self.terminal, group) {
            terminal.give_on_to(group);
        }
    }
}

/// Stops `space` itself, until the caller's shell goes on with it.
fn stop() {
    let _ = kill_process(getpid(), Signal::STOP);
}
