//! `linux.resources.devices`: the rules for access to devices.
//!
//! Access is refused by default. Of the rules that match, the last one decides, for each of the accesses read, write
//! and mknod alone.

mod exceptions;
mod program;
mod rules;
#[cfg(test)]
mod tests;
mod version_1;
mod version_2;

use anyhow::{Context, Result, bail};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxResources};

use super::Cgroup;
use super::place::Version;
use rules::Access;
pub(super) use rules::Rules;

impl Cgroup {
    /// The rules; `None` if there are none.
    ///
    /// A rootless runtime may set none, and its containers need none: in a user namespace no process can make a
    /// device, and those of the machine keep their owners and modes. So there they are checked only.
    pub(super) fn device_rules(&self, resources: &LinuxResources) -> Result<Option<Rules>> {
        let asked = resources.devices().as_ref().filter(|rules| !rules.is_empty());
        let Some(rules) = asked.map(|rules| Rules::new(rules)).transpose()? else {
            return Ok(None);
        };
        if self.rootless {
            return Ok(None);
        }
        match self.finds("devices") {
            Ok(Version::One) => rules.exceptions().map(drop)?,
            Ok(Version::Two) => {}
            // Engines also send their usual rules, for all accesses, to a runtime that is to use no cgroup.
            Err(_) if asked.is_some_and(|asked| asked.iter().all(has_all_accesses)) => {
                return Ok(None);
            }
            Err(_) => bail!(
                "set linux.resources.devices: there is no cgroup to filter devices in; use one, or remove the rules"
            ),
        }
        Ok(Some(rules))
    }

    pub(super) fn write_devices(&self, rules: &Rules) -> Result<()> {
        let place = self.with("devices").context("set linux.resources.devices: no cgroup")?;
        let directory = place.open()?;
        match place.version {
            Version::One => version_1::write(&directory, &rules.exceptions()?),
            Version::Two => version_2::attach(&directory, rules),
        }
        .with_context(|| format!("set linux.resources.devices in {}", directory.path().display()))
    }
}

fn has_all_accesses(rule: &LinuxDeviceCgroup) -> bool {
    rule.access().as_deref().and_then(Access::parse) == Some(Access::ALL)
}
