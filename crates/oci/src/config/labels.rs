//! The labels of security modules.

use anyhow::{Result, bail};
use ns_process::Builder;
use oci_spec::runtime::Process;

/// Sets the label of the program. The kernel has one file for the label of either module.
pub(super) fn set<Kind>(builder: &mut Builder<Kind>, process: &Process) -> Result<()> {
    let apparmor = process.apparmor_profile().as_deref().filter(|profile| !profile.is_empty());
    let selinux = process.selinux_label().as_deref().filter(|label| !label.is_empty());
    match (apparmor, selinux) {
        (None, None) => {}
        (Some(_), Some(_)) => bail!("process: apparmorProfile excludes selinuxLabel"),
        (Some(label), None) | (None, Some(label)) => {
            builder.exec_label(label);
        }
    }
    Ok(())
}
