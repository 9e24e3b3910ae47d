//! Scheduling policy, I/O priority, CPU affinity and personality.

use std::prelude::rust_2024::*;

use super::Builder;
use super::personality::Personality;
use super::scheduler::{IoPriority, Scheduler};

/// The requested scheduling.
#[derive(Clone, Debug, Default)]
pub(crate) struct SchedulingConfig {
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) io_priority: Option<IoPriority>,
    pub(crate) affinity: Option<Vec<u32>>,
    pub(crate) personality: Option<Personality>,
}

/// # Scheduling
///
/// The scheduling policy, the I/O priority, the CPU affinity and the personality of the program. By
/// default they are the caller's. What the program starts inherits them, and so does an init.
impl<Kind> Builder<Kind> {
    /// Sets the scheduling policy.
    ///
    /// A real-time policy needs `CAP_SYS_NICE` in the initial user namespace or `RLIMIT_RTPRIO`, and
    /// a deadline needs the capability. The nice value is that of [`nice`](Self::nice), or the
    /// caller's.
    ///
    /// # Errors
    /// [`Step::Scheduler`](crate::Step::Scheduler): `EPERM`, the caller may not set the policy, or
    /// with a deadline the affinity excludes CPUs; `EBUSY`, the CPUs have too little time left for
    /// the deadline.
    ///
    /// # Kernel support
    /// Linux 3.14.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Scheduler};
    ///
    /// assert!(Container::new("true").scheduler(Scheduler::batch()).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// sched_setattr(2), sched(7).
    pub fn scheduler(&mut self, scheduler: Scheduler) -> &mut Self {
        self.scheduling.scheduler = Some(scheduler);
        self
    }

    /// Sets the I/O class and priority.
    ///
    /// The realtime class needs `CAP_SYS_ADMIN` or `CAP_SYS_NICE` in the initial user namespace.
    ///
    /// # Errors
    /// [`Step::IoPriority`](crate::Step::IoPriority): `EPERM`, the caller may not use the realtime
    /// class; `ENOSYS`, the kernel has no block devices.
    ///
    /// # Kernel support
    /// Linux 2.6.13.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, IoPriority};
    ///
    /// assert!(Container::new("true").io_priority(IoPriority::idle()).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// ioprio_set(2).
    #[doc(alias = "ionice")]
    pub fn io_priority(&mut self, priority: IoPriority) -> &mut Self {
        self.scheduling.io_priority = Some(priority);
        self
    }

    /// Sets the CPUs on which the program may run, by their numbers from 0 on.
    ///
    /// CPUs that do not exist or that the caller's cpuset excludes are ignored. The program may
    /// change its affinity; a cpuset cannot be exceeded.
    ///
    /// # Errors
    /// [`Step::Affinity`](crate::Step::Affinity), `EINVAL`: no CPU is left.
    ///
    /// # Kernel support
    /// Linux 2.5.8.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// // The CPUs that exist among the first 64.
    /// assert!(Container::new("true").affinity(0..64).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// sched_setaffinity(2), cpuset(7).
    #[doc(alias = "taskset")]
    pub fn affinity(&mut self, cpus: impl IntoIterator<Item = u32>) -> &mut Self {
        self.scheduling.affinity = Some(cpus.into_iter().collect());
        self
    }

    /// Sets the personality: the execution domain, and flags such as a fixed address layout.
    ///
    /// # Errors
    /// None; a seccomp filter may forbid the call.
    ///
    /// # Kernel support
    /// Linux 1.1.20.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Personality};
    ///
    /// let mut container = Container::new("cat");
    /// container.arg("/proc/self/personality").personality(Personality::ADDR_NO_RANDOMIZE);
    /// assert_eq!(container.output()?.stdout, b"00040000\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// personality(2).
    #[doc(alias = "setarch")]
    pub fn personality(&mut self, personality: Personality) -> &mut Self {
        self.scheduling.personality = Some(personality);
        self
    }

    /// The scheduling policy, if one is set.
    pub fn get_scheduler(&self) -> Option<Scheduler> {
        self.scheduling.scheduler
    }

    /// The I/O class and priority, if they are set.
    pub fn get_io_priority(&self) -> Option<IoPriority> {
        self.scheduling.io_priority
    }

    /// The CPUs, if they are set.
    pub fn get_affinity(&self) -> Option<&[u32]> {
        self.scheduling.affinity.as_deref()
    }

    /// The personality, if one is set.
    pub fn get_personality(&self) -> Option<Personality> {
        self.scheduling.personality
    }
}
