//! Scheduler, I/O priority and personality.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ns_process::{Builder, IoPriority, Personality, Scheduler};
use oci_spec::runtime::{
    IOPriorityClass, LinuxIOPriority, LinuxPersonality, LinuxPersonalityDomain, LinuxSchedulerFlag,
    LinuxSchedulerPolicy, Process, Scheduler as Config,
};

pub(super) fn set<Kind>(builder: &mut Builder<Kind>, process: &Process) -> Result<()> {
    if let Some(config) = process.scheduler() {
        builder.scheduler(scheduler(config)?);
        if let Some(nice) = config.nice() {
            builder.nice(*nice);
        }
    }
    if let Some(priority) = process.io_priority() {
        builder.io_priority(io_priority(priority)?);
    }
    Ok(())
}

fn scheduler(config: &Config) -> Result<Scheduler> {
    let priority = u32::try_from(config.priority().unwrap_or(0))
        .context("process.scheduler.priority is negative")?;
    let nanoseconds = |value: &Option<u64>| Duration::from_nanos(value.unwrap_or(0));
    let mut scheduler = match config.policy() {
        LinuxSchedulerPolicy::SchedOther => Scheduler::other(),
        LinuxSchedulerPolicy::SchedBatch => Scheduler::batch(),
        LinuxSchedulerPolicy::SchedIdle => Scheduler::idle(),
        LinuxSchedulerPolicy::SchedFifo => Scheduler::fifo(priority),
        LinuxSchedulerPolicy::SchedRr => Scheduler::round_robin(priority),
        LinuxSchedulerPolicy::SchedDeadline => Scheduler::deadline(
            nanoseconds(config.runtime()),
            nanoseconds(config.deadline()),
            nanoseconds(config.period()),
        ),
        LinuxSchedulerPolicy::SchedIso => bail!("process.scheduler.policy: Linux has no SCHED_ISO"),
    };
    for flag in config.flags().iter().flatten() {
        ensure!(
            *flag == LinuxSchedulerFlag::SchedResetOnFork,
            "process.scheduler.flags: {flag:?} is not supported"
        );
        scheduler = scheduler.reset_on_fork();
    }
    Ok(scheduler)
}

fn io_priority(config: &LinuxIOPriority) -> Result<IoPriority> {
    let level = u32::try_from(config.priority()).ok().filter(|level| *level < 8);
    let level = level.context("process.ioPriority.priority: use 0 to 7")?;
    Ok(match config.class() {
        IOPriorityClass::IoprioClassRt => IoPriority::realtime(level),
        IOPriorityClass::IoprioClassBe => IoPriority::best_effort(level),
        IOPriorityClass::IoprioClassIdle => IoPriority::idle(),
    })
}

pub(super) fn personality(config: &LinuxPersonality) -> Result<Personality> {
    let flags = config.flags().as_deref().unwrap_or_default();
    ensure!(flags.is_empty(), "linux.personality.flags: the runtime-spec defines none");
    Ok(match config.domain() {
        LinuxPersonalityDomain::PerLinux => Personality::LINUX,
        LinuxPersonalityDomain::PerLinux32 => Personality::LINUX32,
    })
}
