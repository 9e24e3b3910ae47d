//! A child that may still be in the caller's memory.
#![allow(unsafe_code, reason = "the descriptor that clone3 stored")]

use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;
use ns_sys::{Errno, Signal, WaitFlags, futex, pidfd_send_signal, waitid_pidfd};

use super::executed_apart::Stat;
use super::go::say;
use rustix::process::{Pid, kill_process};

use crate::in_child::{ABORT, Words, has_left};

/// How long to sleep before looking whether the child is dead: kernels before 5.16 do not clear the
/// word in every death.
const ROUND: Duration = Duration::from_millis(100);

/// The child between clone and exec. Dropped before [`Child::into_pidfd`], by an error or a panic,
/// it is killed, waited out of the memory and reaped.
#[derive(Debug)]
pub(super) struct Child<'a> {
    pid: u32,
    /// `None` once it is handed on.
    pidfd: Option<OwnedFd>,
    words: &'a Words,
    /// Of the process that it makes, which dies with it.
    program: Option<&'a Words>,
    /// Whether its number was known first, and it may have died before it could announce that.
    by_number: bool,
    /// By which is seen what it executed, where the kernel cannot be asked.
    pub(super) stat: Option<Stat>,
}

impl<'a> Child<'a> {
    pub(super) fn new(pid: u32, pidfd: OwnedFd, words: &'a Words) -> Self {
        Self { pid, pidfd: Some(pidfd), words, program: None, by_number: false, stat: None }
    }

    pub(super) fn found_by_number(mut self) -> Self {
        self.by_number = true;
        self
    }

    /// Whether its number may be another process's by now.
    pub(super) fn may_be_gone(&self) -> bool {
        let announced = has_left(self.words.child_tid.load(Ordering::Acquire));
        announced || self.by_number && is_readable(self.pidfd()) == Ok(true)
    }

    /// Takes over what clone3 made.
    ///
    /// # Safety
    /// clone3 has stored `pidfd`, and nobody owns it.
    pub(super) unsafe fn cloned(pid: u32, pidfd: RawFd, words: &'a Words) -> Self {
        // SAFETY: the caller's word.
        Self::new(pid, unsafe { OwnedFd::from_raw_fd(pidfd) }, words)
    }

    /// It is a pid 1 beside a program, if these are the words of one.
    pub(super) fn beside(mut self, program: Option<&'a Words>) -> Self {
        self.program = program;
        self
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn words(&self) -> &'a Words {
        self.words
    }

    /// Of the process that becomes the program, or runs the closure.
    pub(super) fn target(&self) -> &'a Words {
        self.program.unwrap_or(self.words)
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_ref().expect("handed on at the very end").as_fd()
    }

    /// Waits until the child has left the memory, by exec or by its end, whatever the futex says;
    /// `false` when it is still there at the deadline.
    pub(super) fn left_memory(&self, deadline: Option<Instant>) -> bool {
        // The program's word has a waiter until the child itself has left.
        let left = |words: &Words| self.changes(&words.child_tid, has_left, deadline);
        left(self.words) && self.program.is_none_or(left)
    }

    /// Waits until it has left and, as nobody kills it then, reaps it; one that is still there at the
    /// deadline, for which this is `false`, is killed.
    pub(super) fn leaves(mut self, deadline: Option<Instant>) -> bool {
        let has_left = self.left_memory(deadline);
        if let Some(pidfd) = self.pidfd.take_if(|_| has_left) {
            let _ = waitid_pidfd(&pidfd, WaitFlags::ALL);
        }
        has_left
    }

    pub(super) fn changes(
        &self,
        word: &AtomicU32,
        is_due: impl Fn(u32) -> bool,
        deadline: Option<Instant>,
    ) -> bool {
        loop {
            let seen = word.load(Ordering::Acquire);
            if is_due(seen) {
                return true;
            }
            let left = deadline.map_or(ROUND, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            let woken = futex::wait(word, seen, Some(left.min(ROUND)));
            if woken.is_err() && is_readable(self.pidfd()) == Ok(true) {
                return true;
            }
        }
    }

    /// The executed program's id and descriptor.
    pub(super) fn into_pidfd(mut self) -> (u32, OwnedFd) {
        (self.pid, self.pidfd.take().expect("handed on only here"))
    }

    fn end(&self, pidfd: &OwnedFd) {
        say(self.words, ABORT);
        let sent = pidfd_send_signal(pidfd, Signal::KILL);
        if sent.is_err_and(|errno| errno != Errno::SRCH) {
            // It is not gone, so that its number is still its own.
            let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
        self.left_memory(None);
        let _ = waitid_pidfd(pidfd, WaitFlags::ALL);
    }
}

impl Drop for Child<'_> {
    fn drop(&mut self) {
        if let Some(pidfd) = &self.pidfd {
            self.end(pidfd);
        }
    }
}
