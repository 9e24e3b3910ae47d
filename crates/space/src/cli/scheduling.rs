//! Options for the scheduler, the CPUs, the I/O priority and the personality.

use std::time::Duration;

use clap::Args;
use ns_process::{Builder, IoPriority, Personality, Scheduler};

use super::quick::{Quick, Words, flag, once};

/// The words are those of chrt(1), taskset(1), ionice(1) and setarch(8).
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Scheduling")]
pub(crate) struct Scheduling {
    /// Set the policy of sched(7): other, batch, idle, fifo:PRIORITY, rr:PRIORITY, or in nanoseconds
    /// deadline:RUNTIME:DEADLINE:PERIOD
    #[arg(long, value_name = "POLICY", value_parser = scheduler)]
    scheduler: Option<Scheduler>,
    /// Give processes that the program starts the policy other
    #[arg(long, requires = "scheduler")]
    reset_on_fork: bool,
    /// Run the program on these CPUs only, such as 0,2-5 or 0-31:2
    #[arg(long, value_name = "CPUS", alias = "affinity", value_parser = cpu_list)]
    cpu_list: Option<CpuList>,
    /// Set the I/O class: idle, or best-effort:LEVEL or realtime:LEVEL, from 0, the highest, to 7
    #[arg(long, value_name = "CLASS", value_parser = io_priority)]
    ionice: Option<IoPriority>,
    /// Set flags of the personality, such as addr-no-randomize or linux32, separated by commas
    #[arg(long, value_name = "FLAG", value_delimiter = ',', value_parser = personality)]
    personality: Vec<Personality>,
}

/// CPU numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CpuList(Vec<u32>);

impl Scheduling {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        if let Some(scheduler) = self.scheduler {
            let resets = self.reset_on_fork;
            builder.scheduler(if resets { scheduler.reset_on_fork() } else { scheduler });
        }
        if let Some(CpuList(cpus)) = &self.cpu_list {
            builder.affinity(cpus.iter().copied());
        }
        if let Some(priority) = self.ionice {
            builder.io_priority(priority);
        }
        if let Some(flags) = self.personality.iter().copied().reduce(|all, flag| all | flag) {
            builder.personality(flags);
        }
    }
}

fn scheduler(text: &str) -> Result<Scheduler, String> {
    let words: Vec<_> = text.split(':').collect();
    let nanoseconds = |text: &str| number(text).map(Duration::from_nanos);
    Ok(match words[..] {
        ["other"] => Scheduler::other(),
        ["batch"] => Scheduler::batch(),
        ["idle"] => Scheduler::idle(),
        ["fifo", priority] => Scheduler::fifo(in_range(priority, 1, 99)?),
        ["rr", priority] => Scheduler::round_robin(in_range(priority, 1, 99)?),
        ["deadline", runtime, deadline, period] => {
            Scheduler::deadline(nanoseconds(runtime)?, nanoseconds(deadline)?, nanoseconds(period)?)
        }
        _ => {
            return Err("not other, batch, idle, fifo:PRIORITY, rr:PRIORITY or \
                        deadline:RUNTIME:DEADLINE:PERIOD"
                .to_owned());
        }
    })
}

fn io_priority(text: &str) -> Result<IoPriority, String> {
    Ok(match text.split_once(':') {
        None if text == "idle" => IoPriority::idle(),
        Some(("best-effort", level)) => IoPriority::best_effort(in_range(level, 0, 7)?),
        Some(("realtime", level)) => IoPriority::realtime(in_range(level, 0, 7)?),
        _ => return Err("not idle, best-effort:LEVEL or realtime:LEVEL".to_owned()),
    })
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

fn in_range(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("{text:?} is not a number from {least} to {most}"))
}

/// The highest number that the kernel can be configured for.
const MOST_CPUS: u32 = 1 << 13;

/// Parses numbers and ranges, which may have a stride: `0,3,7-11` or `0-31:2`.
fn cpu_list(text: &str) -> Result<CpuList, String> {
    let parts: Result<Vec<_>, _> = text.split(',').map(cpu_range).collect();
    Ok(CpuList(parts?.into_iter().flatten().collect()))
}

fn cpu_range(text: &str) -> Result<impl Iterator<Item = u32>, String> {
    let (range, stride) = text.split_once(':').unwrap_or((text, "1"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let cpu = |text| in_range(text, 0, MOST_CPUS - 1);
    let (first, last, stride) = (cpu(first)?, cpu(last)?, in_range(stride, 1, MOST_CPUS)?);
    if first > last {
        return Err(format!("{range:?} is not a range"));
    }
    Ok((first..=last).step_by(usize::try_from(stride).unwrap_or(1)))
}

/// The names are those of the options of setarch(8).
const FLAGS: [(&str, Personality); 9] = [
    ("linux32", Personality::LINUX32),
    ("uname-2.6", Personality::UNAME26),
    ("addr-no-randomize", Personality::ADDR_NO_RANDOMIZE),
    ("mmap-page-zero", Personality::MMAP_PAGE_ZERO),
    ("addr-compat-layout", Personality::ADDR_COMPAT_LAYOUT),
    ("read-implies-exec", Personality::READ_IMPLIES_EXEC),
    ("32bit", Personality::ADDR_LIMIT_32BIT),
    ("sticky-timeouts", Personality::STICKY_TIMEOUTS),
    ("3gb", Personality::ADDR_LIMIT_3GB),
];

fn personality(text: &str) -> Result<Personality, String> {
    let flag = FLAGS.iter().find(|(name, _)| *name == text).map(|(_, flag)| *flag);
    flag.ok_or_else(|| {
        let known: Vec<_> = FLAGS.iter().map(|(name, _)| *name).collect();
        format!("not one of {}", known.join(", "))
    })
}

impl Quick for Scheduling {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "scheduler" => once(&mut self.scheduler, words.parsed(scheduler)),
            "reset-on-fork" => flag(&mut self.reset_on_fork),
            "cpu-list" | "affinity" => once(&mut self.cpu_list, words.parsed(cpu_list)),
            "ionice" => once(&mut self.ionice, words.parsed(io_priority)),
            "personality" => {
                let list =
                    |text: &str| text.split(',').map(personality).collect::<Result<Vec<_>, _>>();
                self.personality.extend(words.parsed(list)?);
                Some(())
            }
            _ => None,
        }
    }
}

impl Scheduling {
    /// Whether an option needs another one.
    pub(super) fn has_conflict(&self) -> bool {
        self.reset_on_fork && self.scheduler.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cpus_is_that_of_taskset() {
        let list = |text| cpu_list(text).map(|CpuList(cpus)| cpus);
        assert_eq!(list("0,3,7-9"), Ok(vec![0, 3, 7, 8, 9]));
        assert_eq!(list("0-6:2,1"), Ok(vec![0, 2, 4, 6, 1]));
        for invalid in ["", "1-", "3-1", "a", "0-3:0", "8192", "1,,2", "-1"] {
            assert!(list(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_policy_has_its_parameters() {
        assert_eq!(scheduler("fifo:5"), Ok(Scheduler::fifo(5)));
        let [runtime, deadline, period] = [1, 2, 3].map(Duration::from_micros);
        let expected = Scheduler::deadline(runtime, deadline, period);
        assert_eq!(scheduler("deadline:1000:2000:3000"), Ok(expected));
        for invalid in ["fifo", "fifo:0", "rr:100", "deadline:1:2", "batch:1", "", "FIFO:1"] {
            assert!(scheduler(invalid).is_err(), "{invalid}");
        }
        assert_eq!(io_priority("realtime:0"), Ok(IoPriority::realtime(0)));
        for invalid in ["idle:1", "best-effort", "best-effort:8", "none"] {
            assert!(io_priority(invalid).is_err(), "{invalid}");
        }
    }
}
