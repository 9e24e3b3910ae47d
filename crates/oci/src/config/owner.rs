//! The user to whom the cgroup of a container belongs.

use anyhow::Result;
use ns_process::{Gid, IdKind, Namespace, Uid};
use oci_spec::runtime::LinuxIdMapping;

use super::ids::id_map;
use super::mount::has_writable_cgroups;
use super::namespaces::Set;
use crate::bundle::Bundle;

/// The IDs of the machine that are root in the container, if the container may manage its cgroup: it has user and cgroup
/// namespaces of its own, and its cgroups are mounted writable.
pub(crate) fn cgroup_owner(bundle: &Bundle) -> Result<Option<(u32, u32)>> {
    let linux = bundle.linux()?;
    let namespaces = Set::of(linux)?;
    let mounts = bundle.spec.mounts().as_deref().unwrap_or_default();
    let has_own = namespaces.makes(Namespace::User) && namespaces.makes(Namespace::Cgroup);
    if !has_own || !has_writable_cgroups(mounts) {
        return Ok(None);
    }
    let uid = root_of::<Uid>(linux.uid_mappings().as_ref())?;
    let gid = root_of::<Gid>(linux.gid_mappings().as_ref())?;
    Ok(uid.zip(gid))
}

/// The ID outside of 0 inside.
fn root_of<K: IdKind>(mappings: Option<&Vec<LinuxIdMapping>>) -> Result<Option<u32>> {
    let Some(mappings) = mappings else { return Ok(None) };
    Ok(id_map::<K>(mappings)?.to_outside(0))
}
