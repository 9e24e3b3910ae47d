//! `update`: changes the limits of a container.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};

use super::Context;
use crate::cli;

pub(super) fn run(context: &Context<'_>, args: &cli::Update) -> Result<()> {
    let resources = match &args.resources {
        Some(path) => read(path)?,
        None => from_options(args),
    };
    context.store.record(&args.id)?.cgroup.update(&resources)
}

fn read(path: &Path) -> Result<LinuxResources> {
    let name = || format!("--resources {}", path.display());
    let text = if path.as_os_str() == "-" {
        io::read_to_string(io::stdin())
    } else {
        fs::read_to_string(path)
    };
    serde_json::from_str(&text.with_context(name)?).with_context(name)
}

fn from_options(args: &cli::Update) -> LinuxResources {
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(args.cpu_share).set_quota(args.cpu_quota).set_period(args.cpu_period);
    cpu.set_burst(args.cpu_burst).set_idle(args.cpu_idle);
    cpu.set_realtime_runtime(args.cpu_rt_runtime).set_realtime_period(args.cpu_rt_period);
    cpu.set_cpus(args.cpuset_cpus.clone()).set_mems(args.cpuset_mems.clone());
    let mut memory = LinuxMemory::default();
    memory.set_limit(args.memory).set_swap(args.memory_swap);
    memory.set_reservation(args.memory_reservation);
    let mut resources = LinuxResources::default();
    resources.set_devices(None).set_cpu(Some(cpu)).set_memory(Some(memory));
    if let Some(limit) = args.pids_limit {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    if let Some(weight) = args.blkio_weight {
        let mut block_io = LinuxBlockIo::default();
        block_io.set_weight(Some(weight));
        resources.set_block_io(Some(block_io));
    }
    resources
}
