//! `linux.resources.blockIO`.

use anyhow::{Result, ensure};
use oci_spec::runtime::{LinuxBlockIo, LinuxThrottleDevice, LinuxWeightDevice};

use super::super::write::Write;
use super::nonzero;

pub(super) fn version_1(block_io: &LinuxBlockIo) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    if let Some(weight) = nonzero(block_io.weight()) {
        let bfq = Write::new("blkio.bfq.weight", weight);
        writes.push(Write::new("blkio.weight", weight).or_instead(bfq));
    }
    let leaf = nonzero(block_io.leaf_weight());
    writes.extend(leaf.map(|weight| Write::new("blkio.leaf_weight", weight)));
    for device in block_io.weight_device().iter().flatten() {
        if let Some(line) = weight_line(device, device.weight()) {
            let bfq = Write::new("blkio.bfq.weight_device", &line);
            writes.push(Write::new("blkio.weight_device", &line).or_instead(bfq));
        }
        let leaf = weight_line(device, device.leaf_weight());
        writes.extend(leaf.map(|line| Write::new("blkio.leaf_weight_device", line)));
    }
    for throttle in throttles(block_io) {
        let file = format!("blkio.throttle.{}_device", throttle.version_1);
        let lines = throttle.devices.iter().flatten();
        writes.extend(lines.map(|device| Write::new(&file, line(device, "", device.rate()))));
    }
    Ok(writes)
}

pub(super) fn version_2(block_io: &LinuxBlockIo) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    let devices = block_io.weight_device().iter().flatten();
    let has_leaf = devices.clone().any(|device| nonzero(device.leaf_weight()).is_some());
    ensure!(
        nonzero(block_io.leaf_weight()).is_none() && !has_leaf,
        "linux.resources.blockIO.leafWeight: cgroups of version 2 have no such setting; remove it"
    );
    if let Some(value) = nonzero(block_io.weight()) {
        let linear = Write::new("io.weight", weight(value)?);
        writes.push(Write::new("io.bfq.weight", value).or_instead(linear));
    }
    for device in devices {
        let Some(value) = nonzero(device.weight()) else { continue };
        let (major, minor) = (device.major(), device.minor());
        let linear = Write::new("io.weight", format!("{major}:{minor} {}", weight(value)?));
        let bfq = Write::new("io.bfq.weight", format!("{major}:{minor} {value}"));
        writes.push(bfq.or_instead(linear));
    }
    for throttle in throttles(block_io) {
        for device in throttle.devices.iter().flatten() {
            // 0 removes the limit, as in version 1.
            let rate =
                if device.rate() == 0 { "max".to_owned() } else { device.rate().to_string() };
            writes.push(Write::new("io.max", line(device, throttle.version_2, rate)));
        }
    }
    Ok(writes)
}

/// A kind of limit for devices.
struct Throttle<'a> {
    version_1: &'static str,
    version_2: &'static str,
    devices: &'a Option<Vec<LinuxThrottleDevice>>,
}

fn throttles(block_io: &LinuxBlockIo) -> [Throttle<'_>; 4] {
    let throttle = |version_1, version_2, devices| Throttle { version_1, version_2, devices };
    [
        throttle("read_bps", "rbps=", block_io.throttle_read_bps_device()),
        throttle("write_bps", "wbps=", block_io.throttle_write_bps_device()),
        throttle("read_iops", "riops=", block_io.throttle_read_iops_device()),
        throttle("write_iops", "wiops=", block_io.throttle_write_iops_device()),
    ]
}

fn line(device: &LinuxThrottleDevice, key: &str, rate: impl std::fmt::Display) -> String {
    format!("{}:{} {key}{rate}", device.major(), device.minor())
}

fn weight_line(device: &LinuxWeightDevice, weight: Option<u16>) -> Option<String> {
    nonzero(weight).map(|weight| format!("{}:{} {weight}", device.major(), device.minor()))
}

/// The weight of version 2 (1 to 10000) for that of version 1 (10 to 1000), as runc and crun compute it.
pub(super) fn weight(weight: u16) -> Result<u64> {
    ensure!(
        (10..=1000).contains(&weight),
        "linux.resources.blockIO.weight: {weight} is not from 10 to 1000"
    );
    Ok(1 + (u64::from(weight) - 10) * 9999 / 990)
}
