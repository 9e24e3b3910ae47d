//! The parked processes of a pool, and its counters.

use std::collections::VecDeque;
use std::prelude::rust_2024::*;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::parked::Parked;
use crate::process::KILLED;

/// What a [`Pool`](crate::Pool) has and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// The processes that are parked now.
    pub ready: usize,
    /// The processes that the thread of the pool has parked since the pool was made.
    pub parked: u64,
    /// How often a parked process was taken.
    pub taken: u64,
    /// How often none was parked when one was needed.
    pub missed: u64,
    /// The processes that ended while they were parked.
    pub died: u64,
    /// The attempts of the thread to park one that failed.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Shared {
    ready: VecDeque<Parked>,
    stats: PoolStats,
    last_error: Option<Error>,
    /// When the last process was taken.
    taken_at: Option<Instant>,
    is_closed: bool,
}

/// How long the thread leaves the CPUs and the kernel's locks to a program that has just started,
/// while at least half of the processes are left.
const DELAY: Duration = Duration::from_millis(2);

/// The interval between two looks at a full pool.
const ROUND: Duration = Duration::from_secs(1);

impl Shared {
    fn remove_dead(&mut self) {
        let before = self.ready.len();
        self.ready.retain(|parked| !parked.has_ended());
        self.stats.died += (before - self.ready.len()) as u64;
    }

    /// The time until the thread parks another process.
    fn pause(&self, size: usize) -> Duration {
        let ready = self.ready.len();
        if ready >= size {
            return ROUND;
        }
        let taken_at = self.taken_at.filter(|_| 2 * ready >= size);
        taken_at.map_or(Duration::ZERO, |taken_at| DELAY.saturating_sub(taken_at.elapsed()))
    }
}

/// The state that the pool and its thread share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) name: Arc<str>,
    size: usize,
    shared: Mutex<Shared>,
    /// Notified when a process was taken, or the pool is closed.
    taken: Condvar,
    /// Notified when a process was parked, or could not be.
    parked: Condvar,
}

impl State {
    pub(super) fn new(name: Arc<str>, size: usize) -> Self {
        let (taken, parked) = (Condvar::new(), Condvar::new());
        Self { name, size, shared: Mutex::default(), taken, parked }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the process that was parked last, whose memory is most likely in the caches of the CPU,
    /// among those that have not ended.
    pub(super) fn take(&self) -> Option<Parked> {
        let mut shared = self.shared();
        let mut dead = Vec::new();
        let taken = loop {
            match shared.ready.pop_back() {
                Some(parked) if parked.has_ended() => dead.push(parked),
                taken => break taken,
            }
        };
        shared.stats.died += dead.len() as u64;
        match taken {
            Some(_) => {
                shared.stats.taken += 1;
                shared.taken_at = Some(Instant::now());
            }
            None => shared.stats.missed += 1,
        }
        drop(shared);
        // Reaping them takes time.
        drop(dead);
        taken
    }

    /// Lets the thread replace what was taken.
    pub(super) fn refill(&self) {
        self.taken.notify_one();
    }

    /// Returns a process that was not used, unless the pool is full again.
    pub(super) fn put_back(&self, parked: Parked) {
        let mut shared = self.shared();
        shared.stats.taken = shared.stats.taken.saturating_sub(1);
        let surplus = if shared.ready.len() < self.size {
            shared.ready.push_back(parked);
            None
        } else {
            Some(parked)
        };
        drop(shared);
        self.parked.notify_all();
        drop(surplus);
    }

    /// Adds a process that the thread has parked.
    pub(super) fn add(&self, parked: Parked) {
        let mut shared = self.shared();
        shared.stats.parked += 1;
        shared.last_error = None;
        let surplus = if shared.ready.len() < self.size {
            shared.ready.push_back(parked);
            None
        } else {
            Some(parked)
        };
        drop(shared);
        self.parked.notify_all();
        drop(surplus);
    }

    pub(super) fn count_dead(&self) {
        self.shared().stats.died += 1;
    }

    pub(super) fn set_failed(&self, error: Error) {
        let mut shared = self.shared();
        shared.stats.failed += 1;
        shared.last_error = Some(error);
        drop(shared);
        self.parked.notify_all();
    }

    /// Waits until a process is to be parked; `false` once the pool is closed. Now and then it looks
    /// for processes that have ended, and removes them.
    pub(super) fn wait_missing(&self) -> bool {
        let mut shared = self.shared();
        loop {
            if shared.is_closed {
                return false;
            }
            let pause = shared.pause(self.size);
            if pause.is_zero() {
                return true;
            }
            let waited = self.taken.wait_timeout(shared, pause);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            shared = guard;
            if timeout.timed_out() && pause == ROUND {
                shared.remove_dead();
            }
        }
    }

    /// Waits for `pause`, or until the pool is closed.
    pub(super) fn pause(&self, pause: Duration) {
        let is_open = |shared: &mut Shared| !shared.is_closed;
        let waited = self.taken.wait_timeout_while(self.shared(), pause, is_open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether all processes are parked before the deadline.
    pub(super) fn wait_full(&self, deadline: Option<Instant>) -> Result<bool, Error> {
        let mut shared = self.shared();
        loop {
            shared.remove_dead();
            if shared.ready.len() >= self.size {
                return Ok(true);
            }
            if let Some(error) = &shared.last_error {
                return Err(error.clone());
            }
            let left = deadline.map_or(ROUND, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(false);
            }
            let waited = self.parked.wait_timeout(shared, left.min(ROUND));
            (shared, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        let shared = self.shared();
        PoolStats { ready: shared.ready.len(), ..shared.stats }
    }

    pub(super) fn last_error(&self) -> Option<Error> {
        self.shared().last_error.clone()
    }

    /// Ends the thread, and kills and reaps all parked processes.
    pub(super) fn close(&self) {
        let mut shared = self.shared();
        shared.is_closed = true;
        let ready = std::mem::take(&mut shared.ready);
        drop(shared);
        self.taken.notify_all();
        // All are killed first, so that they exit in parallel.
        ready.iter().for_each(Parked::kill);
        let deadline = Instant::now().checked_add(KILLED);
        for parked in ready {
            parked.abandon(deadline);
        }
    }
}
