//! A child that may still be in the caller's memory.
#![allow(unsafe_code, reason = "the descriptor that clone3 stored")]

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;
use ns_sys::{Errno, Signal, futex, pidfd_send_signal};
use rustix::process::{Pid, kill_process};

use super::attempt::Attempt;
use super::child_resources::ChildResources;
use super::exec_lock;
use super::exec_name::Named;
use super::release::signal;
use super::shared::SharedState;
use crate::in_child::{ABORT, ExecLock, Handshake, has_left};
use crate::process::{Orphan, ends, is_readable_until, is_reaped, leave};

/// How long to sleep before looking whether the child is dead: kernels before 5.16 do not clear the
/// word in every death.
const ROUND: Duration = Duration::from_millis(100);

/// Between two looks. Exec needs some microseconds from the wake to the end of the lock.
const NEXT_LOOK: Duration = Duration::from_micros(50);

/// How many looks come before that; nearly always the first one is enough.
const LOOKS: u32 = 20;

/// The child between clone and exec. Dropped before [`Child::into_pidfd`], by an error or a panic,
/// it is killed, and reaped once it has ended. If something holds it up, it is left to what it may reach.
#[derive(Debug)]
pub(super) struct Child<'a> {
    pid: u32,
    /// `None` once it is handed on.
    pidfd: Option<OwnedFd>,
    handshake: &'a Handshake,
    resources: &'a ChildResources,
    /// With the words of the program beside it, which dies with it.
    init_process: Option<&'a SharedState>,
    /// The locks that it and that process hold until they have left the memory.
    pub(super) locks: [Option<ExecLock<'a>>; 2],
    /// Where proc is mounted.
    pub(super) proc: &'a Path,
    /// Whether its number was known first, and it may have died before it could announce that.
    by_number: bool,
    /// What proc calls it, once that was asked for.
    pub(super) number: Cell<Option<u32>>,
    /// Its name until it has executed something, and that of that process.
    pub(super) named: Option<Named<'a>>,
}

impl<'a> Child<'a> {
    pub(super) fn new(
        pid: u32,
        pidfd: OwnedFd,
        handshake: &'a Handshake,
        resources: &'a ChildResources,
    ) -> Self {
        Self {
            pid,
            pidfd: Some(pidfd),
            handshake,
            resources,
            init_process: None,
            locks: [None, None],
            proc: Path::new("/proc"),
            by_number: false,
            number: Cell::new(None),
            named: None,
        }
    }

    pub(super) fn found_by_number(mut self) -> Self {
        self.by_number = true;
        self
    }

    /// Whether its number may be another process's by now.
    pub(super) fn may_be_gone(&self) -> bool {
        let announced = has_left(self.handshake.child_tid.load(Ordering::Acquire));
        announced || self.by_number && is_readable(self.pidfd()) == Ok(true)
    }

    /// Takes over what clone3 made.
    ///
    /// # Safety
    /// clone3 has stored `pidfd`, and nobody owns it.
    pub(super) unsafe fn cloned(
        pid: u32,
        pidfd: RawFd,
        handshake: &'a Handshake,
        resources: &'a ChildResources,
    ) -> Self {
        // SAFETY: the caller's word.
        Self::new(pid, unsafe { OwnedFd::from_raw_fd(pidfd) }, handshake, resources)
    }

    /// It makes the steps of an attempt: it may be a pid 1 beside a program, and hold locks.
    pub(super) fn of(mut self, attempt: &'a Attempt<'_>) -> Self {
        self.proc = &attempt.plan().maps.proc;
        // Looked up while the child makes its steps.
        self.named = attempt.name().map(|name| Named::new(attempt.plan(), &self, name));
        self.init_process = attempt.prepared.init_process.as_ref().map(|_| attempt.shared());
        if let Some(lock) = attempt.lock() {
            self.locks = [Some(lock.child()), Some(lock.program())];
        }
        self
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn handshake(&self) -> &'a Handshake {
        self.handshake
    }

    /// Of the process that becomes the program, or runs the closure.
    pub(super) fn target(&self) -> &'a Handshake {
        self.init_process.map_or(self.handshake, |shared| &shared.program)
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_ref().expect("handed on at the very end").as_fd()
    }

    /// Waits until the child has left the memory, by exec or by its end, whatever the futex says;
    /// `false` when it is still there at the deadline.
    ///
    /// # Errors
    /// A filter forbids to ask for the lock.
    pub(super) fn left_memory(&self, deadline: Option<Instant>) -> Result<bool, Errno> {
        let [own, init_process] = self.locks;
        let has_announced =
            |handshake: &Handshake| self.changes(&handshake.child_tid, has_left, deadline);
        let is_first = has_announced(self.handshake)
            && self.is_proven(self.handshake, own, |named| self.has_own_memory(named), deadline)?;
        // The program's word has a waiter until the child itself has left.
        let Some(shared) = self.init_process.filter(|_| is_first) else { return Ok(is_first) };
        if !has_announced(&shared.program) {
            return Ok(false);
        }
        let has_own = |named: &Named<'_>| self.has_program_own_memory(self.proc, named);
        self.is_proven(&shared.program, init_process, has_own, deadline)
    }

    /// Waits until it is proven that the process has left, which has announced it: its lock has ended, and it
    /// `has_own` memory. One that was ended before it took the lock has left when the child is dead.
    fn is_proven(
        &self,
        handshake: &Handshake,
        lock: Option<ExecLock<'_>>,
        has_own: impl Fn(&Named<'_>) -> bool,
        deadline: Option<Instant>,
    ) -> Result<bool, Errno> {
        let (Some(lock), Some(named)) = (lock, &self.named) else { return Ok(true) };
        if !handshake.has_locked() {
            return Ok(is_readable_until(self.pidfd(), deadline));
        }
        let mut looks = 0;
        while exec_lock::is_held(lock)? || !has_own(named) {
            if deadline.is_some_and(|end| end <= Instant::now()) {
                return Ok(false);
            }
            looks += 1;
            if looks < LOOKS { thread::yield_now() } else { thread::sleep(NEXT_LOOK) }
        }
        Ok(true)
    }

    /// Waits for its end, and leaves it to be reaped. `false`: it is still there at the deadline, and is killed.
    pub(super) fn leaves(mut self, deadline: Option<Instant>) -> bool {
        let has_ended = is_readable_until(self.pidfd(), deadline);
        if let Some(pidfd) = self.pidfd.take_if(|_| has_ended) {
            leave(Orphan::new(pidfd, None));
        }
        has_ended
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
}

impl Drop for Child<'_> {
    fn drop(&mut self) {
        let Some(pidfd) = self.pidfd.take() else { return };
        signal(self.handshake, ABORT);
        kill(self.pid, &pidfd);
        if ends(&pidfd) {
            // What its tracer keeps has left the memory.
            if !is_reaped(&pidfd) {
                leave(Orphan::new(pidfd, None));
            }
        } else {
            self.resources.adopt(pidfd);
        }
    }
}

/// Kills a process, also where a filter forbids to do so by its descriptor.
pub(super) fn kill(pid: u32, pidfd: &OwnedFd) {
    let sent = pidfd_send_signal(pidfd, Signal::KILL);
    if sent.is_err_and(|errno| errno != Errno::SRCH) {
        // It is not gone, so that its number is still its own.
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
    }
}
