//! Fields that this runtime does not support: an error, never silence.

use anyhow::{Result, bail};
use oci_spec::runtime::Spec;

pub(super) fn check(spec: &Spec) -> Result<()> {
    let Some(linux) = spec.linux() else { return Ok(()) };
    let process = spec.process().as_ref();
    let fields = [
        ("linux.intelRdt", linux.intel_rdt().is_some()),
        ("linux.memoryPolicy", linux.memory_policy().is_some()),
        ("linux.netDevices", linux.net_devices().as_ref().is_some_and(|list| !list.is_empty())),
        ("linux.mountLabel", linux.mount_label().as_ref().is_some_and(|label| !label.is_empty())),
        ("vm", spec.vm().is_some()),
        (
            "process.execCPUAffinity",
            process.is_some_and(|process| process.exec_cpu_affinity().is_some()),
        ),
        ("process.commandLine", process.is_some_and(|process| process.command_line().is_some())),
    ];
    match fields.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => bail!("config.json: `{name}` is not supported"),
        None => Ok(()),
    }
}
