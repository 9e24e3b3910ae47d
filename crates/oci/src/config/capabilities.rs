//! The five sets of capabilities.

use anyhow::{Context, Result};
use ns_process::{Builder, Capabilities, CapabilitySet};
use oci_spec::runtime::{Capability, LinuxCapabilities, Process};

/// Sets the capabilities; a process without `capabilities` has none.
pub(super) fn set<Kind>(builder: &mut Builder<Kind>, process: &Process) -> Result<()> {
    let sets = process.capabilities().clone().unwrap_or_else(none);
    let set = |of: &Option<oci_spec::runtime::Capabilities>| -> Result<CapabilitySet> {
        let names = of.iter().flatten();
        names
            .map(|&capability| bit(capability))
            .try_fold(CapabilitySet::empty(), |set, bit| Ok(set | bit?))
    };
    let (permitted, inheritable) = (set(sets.permitted())?, set(sets.inheritable())?);
    builder.capability_sets(Capabilities {
        bounding: set(sets.bounding())?,
        permitted,
        effective: set(sets.effective())?,
        inheritable,
        // `runc spec` wrote others for years; the kernel does not allow them, and runc ignores them.
        ambient: set(sets.ambient())? & permitted & inheritable,
    });
    Ok(())
}

fn none() -> LinuxCapabilities {
    let mut none = LinuxCapabilities::default();
    none.set_bounding(None).set_permitted(None).set_effective(None);
    none.set_inheritable(None).set_ambient(None);
    none
}

/// The capability of this name, with or without `CAP_`.
pub(crate) fn parse(name: &str) -> Result<Capability> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    name.parse().ok().with_context(|| format!("{name:?} is no capability"))
}

fn bit(capability: Capability) -> Result<CapabilitySet> {
    let name = capability.to_string();
    CapabilitySet::from_name(&name).with_context(|| format!("process.capabilities: {name}"))
}
