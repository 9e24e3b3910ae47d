//! What a container uses, in the form in which `runc events --stats` prints it.

mod block_io;
mod cpu;
mod hugetlb;
mod memory;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::Cgroup;
use super::directory::Directory;
use super::place::Version;

/// What a container uses. A number that the machine does not have is 0 or missing.
#[derive(Serialize, Default, Debug)]
pub(crate) struct Stats {
    cpu: cpu::Cpu,
    cpuset: cpu::Set,
    memory: memory::Memory,
    pids: Pids,
    blkio: block_io::BlockIo,
    hugetlb: BTreeMap<String, hugetlb::Pages>,
    /// Not read, as the network interfaces: runc prints both.
    intel_rdt: Nothing,
    network_interfaces: Option<Nothing>,
}

#[derive(Serialize, Default, Debug)]
struct Nothing {}

#[derive(Serialize, Default, Debug)]
struct Pids {
    #[serde(skip_serializing_if = "is_zero")]
    current: u64,
    /// 0 without a limit.
    #[serde(skip_serializing_if = "is_zero")]
    limit: u64,
}

impl Cgroup {
    /// What the container uses. Nothing, if it has no cgroup.
    pub(crate) fn stats(&self) -> Result<Stats> {
        let mut stats = Stats::default();
        if let Some((version, directory)) = self.counter("cpu")? {
            stats.cpu.add_times(version, &directory);
        }
        if let Some((Version::One, directory)) = self.counter("cpuacct")? {
            stats.cpu.add_usage(&directory);
        }
        if let Some((Version::One, directory)) = self.counter("cpuset")? {
            stats.cpuset = cpu::Set::read(&directory);
        }
        if let Some((version, directory)) = self.counter("memory")? {
            stats.memory = memory::Memory::read(version, &directory);
        }
        if let Some((_, directory)) = self.counter("pids")? {
            let limit = number(&directory, "pids.max").filter(|limit| *limit != u64::MAX);
            let current = number(&directory, "pids.current").unwrap_or_default();
            stats.pids = Pids { current, limit: limit.unwrap_or_default() };
        }
        if let Some((version, directory)) = self.counter("blkio")? {
            stats.blkio = block_io::BlockIo::read(version, &directory);
        }
        if let Some((version, directory)) = self.counter("hugetlb")? {
            stats.hugetlb = hugetlb::read(version, &directory);
        }
        Ok(stats)
    }

    /// The directory in which this controller counts.
    fn counter(&self, controller: &str) -> Result<Option<(Version, Directory)>> {
        let place = self.with(controller).filter(|place| !place.denied);
        place.map(|place| Ok((place.version, place.open()?))).transpose()
    }
}

/// The number in a file, with the largest one for `max`. `None` if the machine has no such file.
fn number(directory: &Directory, file: &str) -> Option<u64> {
    let text = directory.read(file).ok()?;
    if text.trim() == "max" { Some(u64::MAX) } else { text.trim().parse().ok() }
}

/// The lines of a file, each with a name and a number.
fn table(directory: &Directory, file: &str) -> BTreeMap<String, u64> {
    let text = directory.read(file).unwrap_or_default();
    let line = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_owned(), number.trim().parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// The time for which processes waited for a resource, of version 2.
#[derive(Serialize, Default, Debug)]
struct Pressure {
    some: BTreeMap<String, f64>,
    full: BTreeMap<String, f64>,
}

impl Pressure {
    /// Parses `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
    fn read(directory: &Directory, file: &str) -> Option<Self> {
        let text = directory.read(file).ok()?;
        let find = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let pairs = line.unwrap_or_default().split_whitespace().filter_map(|pair| {
                let (name, number) = pair.split_once('=')?;
                Some((name.to_owned(), number.parse().ok()?))
            });
            pairs.collect()
        };
        Some(Self { some: find("some "), full: find("full ") })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
