//! The words that caller and child share: one each for its id, the go, and what went wrong.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::{Errno, child, futex};

use crate::step::Step;

/// The child waits.
pub(crate) const WAIT: u32 = 0;
/// The child goes on.
pub(crate) const GO: u32 = 1;
/// The child leaves.
pub(crate) const ABORT: u32 = 2;

/// What `child_tid` holds until the kernel clears it, which it does when the child leaves the shared
/// memory.
const IN_MEMORY: u32 = 1;

/// Whether a `child_tid` tells that the child has left.
pub(crate) fn has_left(child_tid: u32) -> bool {
    child_tid == 0 || child::has_died(child_tid)
}

/// Memory that caller and child write and watch, atomically and without locks.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// For `CLONE_CHILD_CLEARTID`, in copied memory for a robust list, and cleared by a closure that
    /// begins: see [`has_left`].
    pub(crate) child_tid: AtomicU32,
    /// [`WAIT`], [`GO`] or [`ABORT`]; the caller alone writes it.
    pub(crate) go: AtomicU32,
    /// 1 once the child has made the namespaces that it makes itself, or never will: the caller writes their
    /// files.
    pub(crate) has_made: AtomicU32,
    /// 1 once the child runs its closure, or has seen its own child execute; success is never the lack of a
    /// report.
    entered: AtomicU32,
    /// 1 once the child holds its record lock: then the lock's end proves that it has left the memory.
    locked: AtomicU32,
    /// 1 from before the first execve: without it a child that is gone never executed.
    executing: AtomicU32,
    /// The number of the step that failed, or 0; the child alone writes it, and the next two first.
    step: AtomicU32,
    errno: AtomicI32,
    /// Which of several objects of the step it was.
    index: AtomicU32,
}

/// A step of the child's that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    pub(crate) index: u32,
}

impl Report {
    /// A step that is about one object only.
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
            entered: AtomicU32::new(0),
            locked: AtomicU32::new(0),
            executing: AtomicU32::new(0),
            step: AtomicU32::new(0),
            errno: AtomicI32::new(0),
            index: AtomicU32::new(0),
        }
    }

    /// The child's word that its steps are made and its closure begins.
    pub(crate) fn enter(&self) {
        self.entered.store(1, Ordering::Relaxed);
        self.child_tid.store(0, Ordering::Release);
        // If the wake were lost, the caller's own round of 100 ms would end.
        let _ = futex::wake(&self.child_tid, 1);
    }

    /// The word of a process that stayed for its child, which has executed or begun its closure.
    pub(crate) fn has_seen(&self) {
        self.entered.store(1, Ordering::Release);
    }

    /// Whether the closure has begun, or that was seen.
    pub(crate) fn has_entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed) == 1
    }

    /// The child holds its record lock.
    pub(crate) fn set_locked(&self) {
        self.locked.store(1, Ordering::Release);
    }

    /// Whether the child has held its record lock.
    pub(crate) fn has_locked(&self) -> bool {
        self.locked.load(Ordering::Acquire) == 1
    }

    /// All steps are made, and the program is about to be executed.
    pub(crate) fn set_executing(&self) {
        self.executing.store(1, Ordering::Release);
    }

    /// Whether the child came as far as execve(2).
    pub(crate) fn is_executing(&self) -> bool {
        self.executing.load(Ordering::Acquire) == 1
    }

    /// The child's word that there is nothing more to wait for: see `has_made`.
    pub(crate) fn made(&self) {
        self.has_made.store(1, Ordering::Release);
        let _ = futex::wake(&self.has_made, 1);
    }

    /// The child's word on what failed.
    pub(crate) fn report(&self, report: Report) {
        self.errno.store(report.errno.raw_os_error(), Ordering::Relaxed);
        self.index.store(report.index, Ordering::Relaxed);
        self.step.store(report.step as u32, Ordering::Release);
    }

    /// The child's word that what it reported has not come true.
    pub(crate) fn retract(&self) {
        self.step.store(0, Ordering::Release);
    }

    /// What the child reported.
    pub(crate) fn reported(&self) -> Option<Report> {
        let step = Step::decode(self.step.load(Ordering::Acquire))?;
        let errno = self.errno.load(Ordering::Relaxed);
        let index = self.index.load(Ordering::Relaxed);
        Some(Report { step, errno: Errno::from_raw_os_error(errno), index })
    }
}
