//! `linux.resources.network`, for the controllers net_cls and net_prio of version 1.

use anyhow::{Result, ensure};
use oci_spec::runtime::LinuxNetwork;

use super::super::write::Write;
use super::nonzero;

pub(super) fn class(network: &LinuxNetwork) -> Result<Vec<Write>> {
    let class = nonzero(network.class_id());
    Ok(class.map(|class| Write::new("net_cls.classid", class)).into_iter().collect())
}

pub(super) fn priorities(network: &LinuxNetwork) -> Result<Vec<Write>> {
    let priorities = network.priorities().iter().flatten();
    let line =
        |name: &str, priority| Write::new("net_prio.ifpriomap", format!("{name} {priority}"));
    Ok(priorities.map(|interface| line(interface.name(), interface.priority())).collect())
}

pub(super) fn class_version_2(network: &LinuxNetwork) -> Result<Vec<Write>> {
    refuse("classID", &class(network)?)
}

pub(super) fn priorities_version_2(network: &LinuxNetwork) -> Result<Vec<Write>> {
    refuse("priorities", &priorities(network)?)
}

fn refuse(field: &str, asked: &[Write]) -> Result<Vec<Write>> {
    ensure!(
        asked.is_empty(),
        "linux.resources.network.{field}: cgroups of version 2 have no such setting; remove it"
    );
    Ok(Vec::new())
}
