//! A child that may still run in the caller's memory.
#![allow(unsafe_code, reason = "takes ownership of the pidfd that clone3 stored")]

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;
use ns_sys::{Errno, futex};

use super::by_pid::kill;
use super::child_resources::ChildResources;
use super::exec_lock;
use super::exec_name::CommFile;
use super::shared::SharedState;
use crate::in_child::{ExecLock, Handshake, has_left};
use crate::process::{Orphan, is_readable_until, kill_and_wait, reap_later, try_reap};

/// The longest sleep between two checks whether the child is dead: kernels before 5.16 do not clear
/// the word of `CLONE_CHILD_CLEARTID` in every death.
const ROUND: Duration = Duration::from_millis(100);

/// The sleep between two checks. Exec releases the lock some microseconds after it wakes the
/// waiter.
const POLL_INTERVAL: Duration = Duration::from_micros(50);

/// How many checks only yield the CPU; nearly always the first one is enough.
const YIELDS: u32 = 20;

/// The child between clone and exec. If it is dropped before [`Child::into_pidfd`], by an error or
/// a panic, the child is killed, and reaped once it has terminated. If it does not terminate in
/// time, [`ChildResources`] keeps everything that it may use.
#[derive(Debug)]
pub(super) struct Child<'a> {
    pid: u32,
    /// `None` once ownership has been passed on.
    pidfd: Option<OwnedFd>,
    handshake: &'a Handshake,
    pub(super) resources: &'a ChildResources,
    /// The state with the handshake of the program alongside, if the child is an init. The program
    /// is killed with its init.
    init_process: Option<&'a SharedState>,
    /// The locks that the child, and the program alongside, hold until they have left the memory.
    pub(super) locks: [Option<ExecLock<'a>>; 2],
    /// The directory at which proc is mounted.
    pub(super) proc: &'a Path,
    /// Whether the pidfd was opened by process ID. Such a child may have been killed before it
    /// could announce its exit.
    opened_by_pid: bool,
    /// Its process ID in proc; `None` before it is first needed.
    pub(super) proc_pid: Cell<Option<u32>>,
    /// The file that shows whether it has executed something, if that has to be verified.
    pub(super) comm: Option<CommFile<'a>>,
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
            opened_by_pid: false,
            proc_pid: Cell::new(None),
            comm: None,
        }
    }

    pub(super) fn opened_by_pid(mut self) -> Self {
        self.opened_by_pid = true;
        self
    }

    /// Whether its process ID may have been reused.
    pub(super) fn pid_may_be_reused(&self) -> bool {
        let announced = has_left(self.handshake.child_tid.load(Ordering::Acquire));
        announced || self.opened_by_pid && is_readable(self.pidfd()) == Ok(true)
    }

    /// Takes ownership of a child that clone3 made.
    ///
    /// # Safety
    /// clone3 has stored `pidfd`, and no other value owns it.
    pub(super) unsafe fn cloned(
        pid: u32,
        pidfd: RawFd,
        handshake: &'a Handshake,
        resources: &'a ChildResources,
    ) -> Self {
        // SAFETY: the caller of this function guarantees that `pidfd` is open and not owned.
        Self::new(pid, unsafe { OwnedFd::from_raw_fd(pidfd) }, handshake, resources)
    }

    /// Attaches what the attempt has for the child that makes its steps: the child may be a pid 1
    /// alongside a program, and hold locks.
    pub(super) fn with_attempt(mut self) -> Self {
        let attempt = self.resources.attempt();
        self.proc = &attempt.plan.maps.proc;
        // This runs while the child makes its steps, so it costs no time.
        self.comm = attempt.name.as_ref().map(|name| self.open_comm(&attempt.plan, name));
        self.init_process = attempt.init_process.as_ref().map(|_| attempt.shared());
        if let Some(lock) = &attempt.lock {
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

    /// The handshake of the process that becomes the program or runs the closure.
    pub(super) fn target(&self) -> &'a Handshake {
        self.init_process.map_or(self.handshake, |shared| &shared.program)
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_ref().expect("present until into_pidfd").as_fd()
    }

    /// Waits until the child has left the memory, by exec or exit, even if the futex reports it
    /// early. Returns `false` if it is still there at the deadline.
    ///
    /// # Errors
    /// A seccomp filter forbids fcntl(2) `F_GETLK`.
    pub(super) fn wait_left_memory(&self, deadline: Option<Instant>) -> Result<bool, Errno> {
        let [child, program] = self.locks;
        let has_announced =
            |handshake: &Handshake| self.wait_word(&handshake.child_tid, has_left, deadline);
        let is_first = has_announced(self.handshake)
            && self.is_proven(self.handshake, child, |comm| self.has_own_memory(comm), deadline)?;
        // The kernel wakes only one waiter of a word. For the program's word, that is the init,
        // until the init has left the memory.
        let Some(shared) = self.init_process.filter(|_| is_first) else { return Ok(is_first) };
        if !has_announced(&shared.program) {
            return Ok(false);
        }
        let has_own = |comm: &CommFile<'_>| self.has_program_own_memory(self.proc, comm);
        self.is_proven(&shared.program, program, has_own, deadline)
    }

    /// Waits until the process, which has announced that it leaves, is proven to have left: its
    /// lock has ended, and it `has_own` memory. A process that was killed before it took the lock
    /// has left once the child is dead. If exec joins a time namespace, it has joined it then.
    fn is_proven(
        &self,
        handshake: &Handshake,
        lock: Option<ExecLock<'_>>,
        has_own: impl Fn(&CommFile<'_>) -> bool,
        deadline: Option<Instant>,
    ) -> Result<bool, Errno> {
        let is_verified = lock.is_some() || self.resources.attempt().awaits_name;
        let Some(comm) = self.comm.as_ref().filter(|_| is_verified) else { return Ok(true) };
        if lock.is_some() && !handshake.has_locked() {
            return Ok(is_readable_until(self.pidfd(), deadline));
        }
        let is_held = || lock.map_or(Ok(false), exec_lock::is_held);
        let mut polls = 0;
        while is_held()? || !has_own(comm) {
            if deadline.is_some_and(|end| end <= Instant::now()) {
                return Ok(false);
            }
            polls += 1;
            if polls < YIELDS { thread::yield_now() } else { thread::sleep(POLL_INTERVAL) }
        }
        Ok(true)
    }

    /// Waits until the process has exited, and hands it over to be reaped. Returns `false` if it
    /// still runs at the deadline; then it is killed.
    pub(super) fn wait_exit(mut self, deadline: Option<Instant>) -> bool {
        let has_ended = is_readable_until(self.pidfd(), deadline);
        if let Some(pidfd) = self.pidfd.take_if(|_| has_ended) {
            reap_later(Orphan::new(pidfd, None));
        }
        has_ended
    }

    /// Waits until the value of `word` `is_due`, or the child has exited. Returns `false` at the
    /// deadline.
    pub(super) fn wait_word(
        &self,
        word: &AtomicU32,
        is_due: impl Fn(u32) -> bool,
        deadline: Option<Instant>,
    ) -> bool {
        loop {
            let value = word.load(Ordering::Acquire);
            if is_due(value) {
                return true;
            }
            let left = deadline.map_or(ROUND, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            let woken = futex::wait(word, value, Some(left.min(ROUND)));
            if woken.is_err() && is_readable(self.pidfd()) == Ok(true) {
                return true;
            }
        }
    }

    /// The process ID and the pidfd of the executed program.
    pub(super) fn into_pidfd(mut self) -> (u32, OwnedFd) {
        (self.pid, self.pidfd.take().expect("present until into_pidfd"))
    }
}

impl Drop for Child<'_> {
    fn drop(&mut self) {
        let Some(pidfd) = self.pidfd.take() else { return };
        self.handshake.abort();
        kill(self.pid, &pidfd);
        if kill_and_wait(&pidfd) {
            // A zombie that its tracer has not released has left the memory.
            if !try_reap(&pidfd) {
                reap_later(Orphan::new(pidfd, None));
            }
        } else {
            self.resources.add_unexited(pidfd);
        }
    }
}
