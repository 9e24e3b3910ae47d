//! The scheduling that the child sets, and the kernel's rules for it.

use std::format;
use std::prelude::rust_2024::*;
use std::time::Duration;

use ns_sys::child::SchedAttr;
use rustix::process::getpriority_process;

use super::personality::Personality;
use super::scheduler::{IoClass, IoPriority, Policy, Scheduler};
use super::scheduling::SchedulingConfig;
use crate::in_child;

/// `SCHED_FLAG_RESET_ON_FORK` of include/uapi/linux/sched.h.
const RESET_ON_FORK: u64 = 1;

/// The least runtime of a deadline (kernel/sched/deadline.c `__checkparam_dl`).
const LEAST_RUNTIME: Duration = Duration::from_nanos(1024);

/// A limit above that of every kernel, which keeps the mask small.
const MAX_CPUS: u32 = 1 << 16;

/// The scheduling of the child.
#[derive(Debug)]
pub(crate) struct Scheduling {
    attr: Option<SchedAttr>,
    io_priority: Option<u32>,
    /// The CPUs, and the same as a mask.
    affinity: Option<(Vec<u32>, Vec<usize>)>,
    personality: Option<u32>,
}

impl Scheduling {
    /// Checks the configuration; an error begins with the name of the setter. `nice`: the nice value
    /// of the child, if it is set.
    pub(crate) fn new(config: &SchedulingConfig, nice: Option<i32>) -> Result<Self, String> {
        let attr = config.scheduler.map(|scheduler| attr(scheduler, nice)).transpose()?;
        let with_mask = |cpus: &Vec<u32>| mask(cpus).map(|mask| (cpus.clone(), mask));
        let affinity = config.affinity.as_ref().map(with_mask).transpose()?;
        let personality = config.personality.map(Personality::bits);
        if personality == Some(u32::MAX) {
            // personality(2) would only return the current value.
            return Err("personality: 0xffffffff is not a personality".to_owned());
        }
        Ok(Self {
            attr,
            io_priority: config.io_priority.map(io_priority).transpose()?,
            affinity,
            personality,
        })
    }

    pub(crate) fn child(&self) -> in_child::Scheduling<'_> {
        in_child::Scheduling {
            attr: self.attr,
            io_priority: self.io_priority,
            affinity: self.affinity.as_ref().map(|(_, mask)| &mask[..]),
            personality: self.personality,
        }
    }

    /// The name of the policy.
    pub(crate) fn policy(&self) -> Option<String> {
        self.attr.map(|attr| policy_name(attr.policy).to_owned())
    }

    /// The CPUs.
    pub(crate) fn cpus(&self) -> Option<String> {
        self.affinity.as_ref().map(|(cpus, _)| format!("{cpus:?}"))
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let cpus = self.cpus().map(|cpus| format!("sched_setaffinity({cpus})"));
        let policy = self.attr.map(|attr| {
            let SchedAttr { nice, priority, runtime, deadline, period, .. } = attr;
            let parameters = match attr.policy {
                SCHED_OTHER | SCHED_BATCH => format!(", nice {nice}"),
                SCHED_FIFO | SCHED_RR => format!(", priority {priority}"),
                SCHED_DEADLINE => format!(", {runtime} of {deadline} in {period} ns"),
                _ => String::new(),
            };
            let resets = if attr.flags == RESET_ON_FORK { ", SCHED_RESET_ON_FORK" } else { "" };
            format!("sched_setattr({}{parameters}{resets})", policy_name(attr.policy))
        });
        let io_priority = self.io_priority.map(io_priority_line);
        let personality = self
            .personality
            .map(|persona| format!("personality({})", Personality::from_bits(persona).names()));
        cpus.into_iter().chain(policy).chain(io_priority).chain(personality)
    }
}

// include/uapi/linux/sched.h.
const SCHED_OTHER: u32 = 0;
const SCHED_FIFO: u32 = 1;
const SCHED_RR: u32 = 2;
const SCHED_BATCH: u32 = 3;
const SCHED_IDLE: u32 = 5;
const SCHED_DEADLINE: u32 = 6;

fn policy_name(policy: u32) -> &'static str {
    match policy {
        SCHED_FIFO => "SCHED_FIFO",
        SCHED_RR => "SCHED_RR",
        SCHED_BATCH => "SCHED_BATCH",
        SCHED_IDLE => "SCHED_IDLE",
        SCHED_DEADLINE => "SCHED_DEADLINE",
        _ => "SCHED_OTHER",
    }
}

fn attr(scheduler: Scheduler, nice: Option<i32>) -> Result<SchedAttr, String> {
    let Scheduler { policy, resets_on_fork } = scheduler;
    let flags = if resets_on_fork { RESET_ON_FORK } else { 0 };
    let none = SchedAttr { flags, ..SchedAttr::default() };
    // The call sets the nice value as well.
    let nice = || nice.or_else(|| getpriority_process(None).ok()).unwrap_or(0);
    Ok(match policy {
        Policy::Other => SchedAttr { policy: SCHED_OTHER, nice: nice(), ..none },
        Policy::Batch => SchedAttr { policy: SCHED_BATCH, nice: nice(), ..none },
        Policy::Idle => SchedAttr { policy: SCHED_IDLE, ..none },
        Policy::Fifo(priority) => {
            SchedAttr { policy: SCHED_FIFO, priority: real_time(priority)?, ..none }
        }
        Policy::RoundRobin(priority) => {
            SchedAttr { policy: SCHED_RR, priority: real_time(priority)?, ..none }
        }
        Policy::Deadline { runtime, deadline, period } => {
            if runtime < LEAST_RUNTIME || runtime > deadline || deadline > period {
                return Err("scheduler: needs 1024 ns <= runtime <= deadline <= period".to_owned());
            }
            let (runtime, deadline) = (nanoseconds(runtime)?, nanoseconds(deadline)?);
            let period = nanoseconds(period)?;
            SchedAttr { policy: SCHED_DEADLINE, runtime, deadline, period, ..none }
        }
    })
}

fn real_time(priority: u32) -> Result<u32, String> {
    if (1..=99).contains(&priority) {
        return Ok(priority);
    }
    Err("scheduler: the priority must be from 1 to 99".to_owned())
}

/// The kernel refuses numbers with the highest bit.
fn nanoseconds(duration: Duration) -> Result<u64, String> {
    let fits = i64::try_from(duration.as_nanos()).ok().map(i64::unsigned_abs);
    fits.ok_or_else(|| "scheduler: the period is too long".to_owned())
}

fn io_priority(priority: IoPriority) -> Result<u32, String> {
    let IoPriority { class, level } = priority;
    if level > 7 {
        return Err("io_priority: the level must be from 0 to 7".to_owned());
    }
    let class = match class {
        IoClass::Realtime => 1,
        IoClass::BestEffort => 2,
        IoClass::Idle => 3,
    };
    Ok(class << 13 | level)
}

/// The call that sets the class and the level in `priority`.
fn io_priority_line(priority: u32) -> String {
    let (class, level) = (priority >> 13, priority & 7);
    match class {
        1 => format!("ioprio_set(IOPRIO_CLASS_RT, level {level})"),
        2 => format!("ioprio_set(IOPRIO_CLASS_BE, level {level})"),
        _ => "ioprio_set(IOPRIO_CLASS_IDLE)".to_owned(),
    }
}

/// A mask with these CPUs.
fn mask(cpus: &[u32]) -> Result<Vec<usize>, String> {
    let Some(highest) = cpus.iter().max() else {
        return Err("affinity: needs at least one CPU".to_owned());
    };
    if *highest >= MAX_CPUS {
        return Err(format!("affinity: no kernel has CPU {highest}"));
    }
    let position = |cpu: u32| ((cpu / usize::BITS) as usize, cpu % usize::BITS);
    let mut mask = std::vec![0; position(*highest).0 + 1];
    for (word, bit) in cpus.iter().map(|cpu| position(*cpu)) {
        mask[word] |= 1 << bit;
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mask_has_the_bits_of_the_cpus(cpus in proptest::collection::vec(0..300_u32, 1..9)) {
            let mask = mask(&cpus).expect("valid");
            let bits = usize::BITS as usize;
            let is_set = |cpu: &usize| mask[cpu / bits] >> (cpu % bits) & 1 == 1;
            let set: BTreeSet<usize> = (0..mask.len() * bits).filter(is_set).collect();
            prop_assert_eq!(set, cpus.iter().map(|cpu| *cpu as usize).collect());
        }
    }
}
