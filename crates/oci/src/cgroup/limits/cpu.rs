//! `linux.resources.cpu`, for the controllers cpu and cpuset.

use anyhow::{Result, ensure};
use oci_spec::runtime::LinuxCpu;

use super::super::write::Write;
use super::nonzero;

/// The range of `cpu.shares` (kernel/sched/sched.h `MIN_SHARES`, `MAX_SHARES`).
const SHARES: std::ops::RangeInclusive<u64> = 2..=262_144;

pub(super) fn version_1(cpu: &LinuxCpu) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    if let Some(shares) = nonzero(cpu.shares()) {
        // The kernel would take the nearest value instead.
        ensure!(
            SHARES.contains(&shares),
            "linux.resources.cpu.shares: {shares} is not from {} to {}",
            SHARES.start(),
            SHARES.end()
        );
        writes.push(Write::new("cpu.shares", shares));
    }
    writes.extend(cpu.idle().map(|idle| Write::new("cpu.idle", idle)));
    writes.extend(nonzero(cpu.period()).map(|period| Write::new("cpu.cfs_period_us", period)));
    writes.extend(nonzero(cpu.quota()).map(|quota| Write::new("cpu.cfs_quota_us", quota)));
    writes.extend(cpu.burst().map(|burst| ignored_if_zero("cpu.cfs_burst_us", burst)));
    let period = nonzero(cpu.realtime_period());
    writes.extend(period.map(|period| Write::new("cpu.rt_period_us", period)));
    let runtime = nonzero(cpu.realtime_runtime());
    writes.extend(runtime.map(|runtime| Write::new("cpu.rt_runtime_us", runtime)));
    Ok(writes)
}

pub(super) fn version_2(cpu: &LinuxCpu) -> Result<Vec<Write>> {
    ensure!(
        nonzero(cpu.realtime_period()).is_none() && nonzero(cpu.realtime_runtime()).is_none(),
        "linux.resources.cpu.realtimeRuntime: cgroups of version 2 have no such setting; remove it"
    );
    let mut writes = Vec::new();
    let weight = nonzero(cpu.shares()).map(weight);
    writes.extend(weight.map(|weight| Write::new("cpu.weight", weight)));
    writes.extend(cpu.idle().map(|idle| Write::new("cpu.idle", idle)));
    let quota = nonzero(cpu.quota()).map(super::or_max);
    writes.extend(match (quota, nonzero(cpu.period())) {
        (Some(quota), Some(period)) => Some(Write::new("cpu.max", format!("{quota} {period}"))),
        (Some(quota), None) => Some(Write::new("cpu.max", quota)),
        (None, Some(period)) => Some(Write::keeping_first("cpu.max", period)),
        (None, None) => None,
    });
    writes.extend(cpu.burst().map(|burst| ignored_if_zero("cpu.max.burst", burst)));
    Ok(writes)
}

/// A kernel without the file has no burst.
fn ignored_if_zero(file: &str, burst: u64) -> Write {
    let write = Write::new(file, burst);
    if burst == 0 { write.or_ignore() } else { write }
}

/// The weight of version 2 (1 to 10000, usually 100) for the shares of version 1 (2 to 262144, usually 1024).
///
/// This is the curve of runc and crun, which maps both ends and the usual value to each other.
pub(super) fn weight(shares: u64) -> u64 {
    if shares <= *SHARES.start() {
        return 1;
    }
    if shares >= *SHARES.end() {
        return 10_000;
    }
    #[expect(clippy::cast_precision_loss, reason = "less than 2^18")]
    let log = (shares as f64).log2();
    let exponent = log.mul_add(log, 125.0 * log) / 612.0 - 7.0 / 34.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the curve is from 1 to 10000 here"
    )]
    let weight = 10_f64.powf(exponent).ceil() as u64;
    weight
}

pub(super) fn set_version_1(cpu: &LinuxCpu) -> Result<Vec<Write>> {
    // With the mount option `noprefix`, as on Android.
    let with_alias = |write: Write, alias, value| write.or_instead(Write::new(alias, value));
    let [cpus, mems] = sets(cpu);
    let cpus = cpus.map(|cpus| with_alias(Write::new("cpuset.cpus", cpus), "cpus", cpus));
    let mems = mems.map(|mems| with_alias(Write::new("cpuset.mems", mems), "mems", mems));
    Ok(cpus.into_iter().chain(mems).collect())
}

pub(super) fn set_version_2(cpu: &LinuxCpu) -> Result<Vec<Write>> {
    let [cpus, mems] = sets(cpu);
    let cpus = cpus.map(|cpus| Write::new("cpuset.cpus", cpus));
    Ok(cpus.into_iter().chain(mems.map(|mems| Write::new("cpuset.mems", mems))).collect())
}

/// The processors and the memory nodes that are asked for.
fn sets(cpu: &LinuxCpu) -> [Option<&String>; 2] {
    [cpu.cpus(), cpu.mems()].map(|list| list.as_ref().filter(|list| !list.is_empty()))
}
