//! The values of a scheduling policy and of an I/O priority.

use core::time::Duration;

/// A scheduling policy, for [`Builder::scheduler`](super::Builder::scheduler).
///
/// # References
/// sched(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scheduler {
    pub(super) policy: Policy,
    pub(super) resets_on_fork: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Policy {
    Other,
    Batch,
    Idle,
    Fifo(u32),
    RoundRobin(u32),
    Deadline { runtime: Duration, deadline: Duration, period: Duration },
}

impl Scheduler {
    /// `SCHED_OTHER`, the default time-sharing policy.
    pub const fn other() -> Self {
        Self::new(Policy::Other)
    }

    /// `SCHED_BATCH`, for programs that only compute.
    pub const fn batch() -> Self {
        Self::new(Policy::Batch)
    }

    /// `SCHED_IDLE`, for programs that run when nothing else does.
    pub const fn idle() -> Self {
        Self::new(Policy::Idle)
    }

    /// `SCHED_FIFO`, a real-time policy with a priority from 1 to 99, the highest.
    pub const fn fifo(priority: u32) -> Self {
        Self::new(Policy::Fifo(priority))
    }

    /// `SCHED_RR`, as [`fifo`](Self::fifo), with a time slice.
    pub const fn round_robin(priority: u32) -> Self {
        Self::new(Policy::RoundRobin(priority))
    }

    /// `SCHED_DEADLINE`: `runtime` of a CPU before each `deadline`, once in each `period`.
    ///
    /// The runtime is at least 1024 nanoseconds and not above the deadline, and the deadline is not
    /// above the period. Such a program cannot fork without
    /// [`reset_on_fork`](Self::reset_on_fork).
    pub const fn deadline(runtime: Duration, deadline: Duration, period: Duration) -> Self {
        Self::new(Policy::Deadline { runtime, deadline, period })
    }

    /// Children of the program get `SCHED_OTHER` and a nice value that is not negative.
    #[must_use]
    pub const fn reset_on_fork(self) -> Self {
        Self { resets_on_fork: true, ..self }
    }

    const fn new(policy: Policy) -> Self {
        Self { policy, resets_on_fork: false }
    }
}

/// An I/O class with its priority, for [`Builder::io_priority`](super::Builder::io_priority).
///
/// # References
/// ioprio_set(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IoPriority {
    pub(super) class: IoClass,
    pub(super) level: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum IoClass {
    Realtime,
    BestEffort,
    Idle,
}

impl IoPriority {
    /// The realtime class with a level from 0, the highest priority, to 7.
    pub const fn realtime(level: u32) -> Self {
        Self { class: IoClass::Realtime, level }
    }

    /// The best-effort class with a level from 0, the highest priority, to 7.
    pub const fn best_effort(level: u32) -> Self {
        Self { class: IoClass::BestEffort, level }
    }

    /// The idle class.
    pub const fn idle() -> Self {
        Self { class: IoClass::Idle, level: 0 }
    }
}
