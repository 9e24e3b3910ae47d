//! The configuration that `spec` writes, to be edited.

use anyhow::{Context, Result};
use oci_spec::runtime::{
    Linux, LinuxIdMappingBuilder, LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType, Mount,
    MountBuilder, Spec,
};
use rustix::process::{getegid, geteuid};

/// `CGROUP2_SUPER_MAGIC` of include/uapi/linux/magic.h.
const CGROUP2_MAGIC: u32 = 0x6367_7270;

/// The configuration of runc's `spec`. `rootless`: for the caller as an ordinary user, mapped to root.
pub(crate) fn default_config(rootless: bool) -> Result<Spec> {
    let mut spec: Spec =
        serde_json::from_str(include_str!("default_config.json")).context("default_config.json")?;
    let mut linux = spec.linux().clone().unwrap_or_default();
    if has_only_cgroup2() {
        add_namespace(&mut linux, LinuxNamespaceType::Cgroup)?;
    }
    if rootless {
        make_rootless(&mut linux)?;
        let mounts = spec.mounts().iter().flatten().map(rootless_mount);
        let mounts = mounts.collect::<Result<Vec<_>>>()?;
        spec.set_mounts(Some(mounts));
    }
    spec.set_linux(Some(linux));
    Ok(spec)
}

/// With cgroups of version 1, a namespace of them is of little use.
fn has_only_cgroup2() -> bool {
    rustix::fs::statfs("/sys/fs/cgroup")
        .is_ok_and(|file_system| u32::try_from(file_system.f_type) == Ok(CGROUP2_MAGIC))
}

fn add_namespace(linux: &mut Linux, kind: LinuxNamespaceType) -> Result<()> {
    let mut namespaces = namespaces(linux);
    namespaces.push(LinuxNamespaceBuilder::default().typ(kind).build()?);
    linux.set_namespaces(Some(namespaces));
    Ok(())
}

fn namespaces(linux: &Linux) -> Vec<LinuxNamespace> {
    linux.namespaces().clone().unwrap_or_default()
}

/// An ordinary user has no network to connect a namespace to, no limits to set, and one ID.
fn make_rootless(linux: &mut Linux) -> Result<()> {
    let mut kept = namespaces(linux);
    kept.retain(|namespace| namespace.typ() != LinuxNamespaceType::Network);
    linux.set_namespaces(Some(kept));
    add_namespace(linux, LinuxNamespaceType::User)?;
    let own =
        |id| LinuxIdMappingBuilder::default().container_id(0_u32).host_id(id).size(1_u32).build();
    linux.set_uid_mappings(Some(vec![own(geteuid().as_raw())?]));
    linux.set_gid_mappings(Some(vec![own(getegid().as_raw())?]));
    linux.set_resources(None);
    Ok(())
}

/// A new sysfs needs a new network namespace, and only one ID is mapped.
fn rootless_mount(mount: &Mount) -> Result<Mount> {
    if mount.destination().as_os_str() == "/sys" {
        let options = ["rbind", "nosuid", "noexec", "nodev", "ro"].map(ToOwned::to_owned);
        let bind = MountBuilder::default().destination("/sys").source("/sys").typ("none");
        return Ok(bind.options(options).build()?);
    }
    let mut mount = mount.clone();
    let is_id = |option: &str| option.starts_with("uid=") || option.starts_with("gid=");
    let options = mount.options().clone().map(|mut options| {
        options.retain(|option| !is_id(option));
        options
    });
    mount.set_options(options);
    Ok(mount)
}
