//! Time of processors, and the processors that may be used.

use serde::Serialize;

use super::super::directory::Directory;
use super::super::place::Version;
use super::{Pressure, is_zero, number, table};

/// The unit of `cpuacct.stat`, in nanoseconds: `USER_HZ` is 100 on the supported architectures.
const TICK: u64 = 10_000_000;

#[derive(Serialize, Default, Debug)]
pub(super) struct Cpu {
    usage: Usage,
    throttling: Throttling,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Pressure>,
}

/// In nanoseconds.
#[derive(Serialize, Default, Debug)]
struct Usage {
    #[serde(skip_serializing_if = "is_zero")]
    total: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu_kernel: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu_user: Vec<u64>,
    kernel: u64,
    user: u64,
}

#[derive(Serialize, Default, Debug)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    #[serde(skip_serializing_if = "is_zero")]
    periods: u64,
    #[serde(skip_serializing_if = "is_zero")]
    throttled_periods: u64,
    #[serde(skip_serializing_if = "is_zero")]
    throttled_time: u64,
}

impl Cpu {
    /// From the controller cpu.
    pub(super) fn add_times(&mut self, version: Version, directory: &Directory) {
        let stat = table(directory, "cpu.stat");
        let of = |name: &str| stat.get(name).copied().unwrap_or_default();
        self.throttling.periods = of("nr_periods");
        self.throttling.throttled_periods = of("nr_throttled");
        self.throttling.throttled_time = of("throttled_time");
        if version == Version::Two {
            self.throttling.throttled_time = of("throttled_usec") * 1000;
            self.usage.total = of("usage_usec") * 1000;
            self.usage.user = of("user_usec") * 1000;
            self.usage.kernel = of("system_usec") * 1000;
            self.psi = Pressure::read(directory, "cpu.pressure");
        }
    }

    /// From the controller cpuacct of version 1.
    pub(super) fn add_usage(&mut self, directory: &Directory) {
        let stat = table(directory, "cpuacct.stat");
        let of = |name: &str| stat.get(name).copied().unwrap_or_default() * TICK;
        let text = directory.read("cpuacct.usage_percpu").unwrap_or_default();
        let all = directory.read("cpuacct.usage_all").unwrap_or_default();
        // The columns are the processor, user, system.
        let column = |index: usize| -> Vec<u64> {
            let lines = all.lines().skip(1);
            lines.filter_map(|line| line.split(' ').nth(index)?.parse().ok()).collect()
        };
        self.usage = Usage {
            total: number(directory, "cpuacct.usage").unwrap_or_default(),
            percpu: text.split_whitespace().filter_map(|word| word.parse().ok()).collect(),
            percpu_kernel: column(2),
            percpu_user: column(1),
            kernel: of("system"),
            user: of("user"),
        };
    }
}

/// The files of cpuset, of version 1 only, as runc reads them.
#[derive(Serialize, Default, Debug)]
pub(super) struct Set {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cpus: Vec<u16>,
    cpu_exclusive: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mems: Vec<u16>,
    mem_hardwall: u64,
    mem_exclusive: u64,
    memory_migrate: u64,
    memory_spread_page: u64,
    memory_spread_slab: u64,
    memory_pressure: u64,
    sched_load_balance: u64,
    sched_relax_domain_level: i64,
}

impl Set {
    pub(super) fn read(directory: &Directory) -> Self {
        let text = |name: &str| directory.read(&format!("cpuset.{name}")).unwrap_or_default();
        let of = |name: &str| text(name).trim().parse().unwrap_or_default();
        Self {
            cpus: expanded(&text("cpus")),
            cpu_exclusive: of("cpu_exclusive"),
            mems: expanded(&text("mems")),
            mem_hardwall: of("mem_hardwall"),
            mem_exclusive: of("mem_exclusive"),
            memory_migrate: of("memory_migrate"),
            memory_spread_page: of("memory_spread_page"),
            memory_spread_slab: of("memory_spread_slab"),
            memory_pressure: of("memory_pressure"),
            sched_load_balance: of("sched_load_balance"),
            sched_relax_domain_level: text("sched_relax_domain_level").trim().parse().unwrap_or(0),
        }
    }
}

/// The numbers of a list such as `0-2,5`.
fn expanded(list: &str) -> Vec<u16> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_expanded() {
        assert_eq!(expanded("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(expanded("\n"), [0_u16; 0]);
    }
}
