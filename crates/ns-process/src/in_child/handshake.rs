//! The words of memory that caller and child share: thread ID, release, progress and error report.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::{Errno, child, futex};

use crate::step::Step;

/// The child has to wait.
pub(crate) const WAIT: u32 = 0;
/// The child may continue.
pub(crate) const GO: u32 = 1;
/// The child has to exit.
pub(crate) const ABORT: u32 = 2;

/// The initial value of `child_tid`. The kernel clears it when the child leaves the shared memory.
const IN_MEMORY: u32 = 1;

/// Whether this value of `child_tid` means that the child has left the memory.
pub(crate) fn has_left(child_tid: u32) -> bool {
    child_tid == 0 || child::is_owner_dead(child_tid)
}

/// Stores a word for the other process, and wakes it. If the wake fails, that process still sees the word within 100 ms,
/// because its wait has a timeout.
fn store_and_wake(word: &AtomicU32, value: u32) {
    word.store(value, Ordering::Release);
    let _ = futex::wake(word, 1);
}

/// State that caller and child share. All accesses are atomic; there are no locks.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// Changes when the child leaves the memory, see [`has_left`]: the kernel clears it (`CLONE_CHILD_CLEARTID`),
    /// or with a copy of the memory marks it through the robust futex list. A child that begins its closure clears
    /// it itself.
    pub(crate) child_tid: AtomicU32,
    /// [`WAIT`], [`GO`] or [`ABORT`]. Written by the caller only.
    pub(crate) go: AtomicU32,
    /// 1 once the child has called unshare(2), or has failed before: the caller then writes the ID maps and clock
    /// offsets.
    pub(crate) has_made: AtomicU32,
    /// 1 if a hook has moved the child to another cgroup. Written by the caller, before the release.
    moved: AtomicU32,
    /// As `go`, for a child that waits before it changes its root.
    pub(crate) pivot: AtomicU32,
    /// 1 once the child has made its mounts, or has failed before, if it waits for `pivot`.
    pub(crate) has_mounted: AtomicU32,
    /// 1 once the child begins its closure. In an intermediate process that stays, 1 once its child has started.
    /// Success is never inferred from a missing report.
    entered: AtomicU32,
    /// 1 once the child holds its record lock: from then on the caller can wait for its release.
    locked: AtomicU32,
    /// 1 from shortly before the first execve(2). A child that has exited with 0 here never executed a program.
    executing: AtomicU32,
    /// The number of the failed step, or 0. Written by the child only, after `errno` and `index`.
    step: AtomicU32,
    errno: AtomicI32,
    /// The index of the failed object, in a step with several objects.
    index: AtomicU32,
}

/// The index in the report of a setns(2) that joins all namespaces at once.
pub(crate) const ALL_AT_ONCE: u32 = u32::MAX;

/// A failed step of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    pub(crate) index: u32,
}

impl Report {
    /// A report of a step with a single object.
    pub(crate) fn new(step: Step, errno: Errno) -> Self {
        Self { step, errno, index: 0 }
    }
}

impl Handshake {
    pub(crate) fn new(waits_for_release: bool) -> Self {
        Self {
            child_tid: AtomicU32::new(IN_MEMORY),
            go: AtomicU32::new(if waits_for_release { WAIT } else { GO }),
            has_made: AtomicU32::new(0),
            moved: AtomicU32::new(0),
            pivot: AtomicU32::new(WAIT),
            has_mounted: AtomicU32::new(0),
            entered: AtomicU32::new(0),
            locked: AtomicU32::new(0),
            executing: AtomicU32::new(0),
            step: AtomicU32::new(0),
            errno: AtomicI32::new(0),
            index: AtomicU32::new(0),
        }
    }

    /// Stores [`GO`] or [`ABORT`] for a waiting child, and wakes it.
    pub(crate) fn signal(&self, word: u32) {
        store_and_wake(&self.go, word);
    }

    /// Records that a hook has moved the child to another cgroup, before the release.
    pub(crate) fn set_moved(&self) {
        self.moved.store(1, Ordering::Release);
    }

    /// Whether a hook has moved the child to another cgroup.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved.load(Ordering::Acquire) == 1
    }

    /// Releases a child that waits before it changes its root.
    pub(crate) fn release_before_pivot(&self) {
        store_and_wake(&self.pivot, GO);
    }

    /// Stores [`ABORT`] for a child that waits at either point, and wakes it.
    pub(crate) fn abort(&self) {
        store_and_wake(&self.go, ABORT);
        store_and_wake(&self.pivot, ABORT);
    }

    /// Records that all steps are done and the closure begins, and wakes the caller.
    pub(crate) fn set_entered(&self) {
        self.entered.store(1, Ordering::Relaxed);
        self.child_tid.store(0, Ordering::Release);
        // If the wake-up fails, the caller notices the change within 100 ms.
        let _ = futex::wake(&self.child_tid, 1);
    }

    /// Records that the child of this intermediate process has executed its program or begun its closure.
    pub(crate) fn set_child_started(&self) {
        self.entered.store(1, Ordering::Release);
    }

    /// Whether the closure has begun; of an intermediate process that stays, whether its child has started.
    pub(crate) fn has_entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed) == 1
    }

    /// Records that the child holds its record lock.
    pub(crate) fn set_locked(&self) {
        self.locked.store(1, Ordering::Release);
    }

    /// Whether the child has taken its record lock.
    pub(crate) fn has_locked(&self) -> bool {
        self.locked.load(Ordering::Acquire) == 1
    }

    /// Records that all steps are done and execve(2) follows.
    pub(crate) fn set_executing(&self) {
        self.executing.store(1, Ordering::Release);
    }

    /// Whether the child has reached execve(2).
    pub(crate) fn is_executing(&self) -> bool {
        self.executing.load(Ordering::Acquire) == 1
    }

    /// Sets `has_made` and wakes the caller.
    pub(crate) fn set_made(&self) {
        store_and_wake(&self.has_made, 1);
    }

    /// Sets `has_mounted` and wakes the caller.
    pub(crate) fn set_mounted(&self) {
        store_and_wake(&self.has_mounted, 1);
    }

    /// Stores the report of the child.
    pub(crate) fn report(&self, report: Report) {
        self.errno.store(report.errno.raw_os_error(), Ordering::Relaxed);
        self.index.store(report.index, Ordering::Relaxed);
        self.step.store(report.step as u32, Ordering::Release);
    }

    /// Removes the report.
    pub(crate) fn retract(&self) {
        self.step.store(0, Ordering::Release);
    }

    /// The report of the child, if there is one.
    pub(crate) fn reported(&self) -> Option<Report> {
        let step = Step::decode(self.step.load(Ordering::Acquire))?;
        let errno = self.errno.load(Ordering::Relaxed);
        let index = self.index.load(Ordering::Relaxed);
        Some(Report { step, errno: Errno::from_raw_os_error(errno), index })
    }
}
