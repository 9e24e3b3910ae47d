//! The ID maps of a new user namespace.

use anyhow::{Context, Result, ensure};
use ns_process::{Container, Extent, Helper, IdKind, IdMap, Namespace, Setgroups};
use oci_spec::runtime::{Linux, LinuxIdMapping};
use rustix::process::{getegid, geteuid};

use super::namespaces::Set;

/// Sets the maps. An ordinary user who maps more than the own ID needs newuidmap(1), newgidmap(1).
pub(super) fn map(container: &mut Container, linux: &Linux) -> Result<()> {
    let (uids, gids) = (given(linux.uid_mappings().as_ref()), given(linux.gid_mappings().as_ref()));
    if !Set::of(linux)?.makes(Namespace::User) {
        ensure!(
            uids.is_empty() && gids.is_empty() || Set::of(linux)?.separates(Namespace::User),
            "linux.uidMappings and gidMappings need a new user namespace"
        );
        return Ok(());
    }
    ensure!(!uids.is_empty(), "linux.uidMappings: a new user namespace needs them");
    ensure!(!gids.is_empty(), "linux.gidMappings: a new user namespace needs them");
    container.uid_map(id_map(uids).context("linux.uidMappings")?);
    container.gid_map(id_map(gids).context("linux.gidMappings")?);
    if geteuid().is_root() {
        return Ok(());
    }
    let is_own_user = is_only(uids, geteuid().as_raw());
    if is_own_user && is_only(gids, getegid().as_raw()) {
        container.setgroups(Setgroups::Deny);
    } else {
        container.uid_map_helper(Helper::default()).gid_map_helper(Helper::default());
    }
    Ok(())
}

/// The map of these extents.
pub(super) fn id_map<K: IdKind>(mappings: &[LinuxIdMapping]) -> Result<IdMap<K>> {
    let extents = mappings.iter().map(|mapping| Extent {
        inside: mapping.container_id(),
        outside: mapping.host_id(),
        length: mapping.size(),
    });
    Ok(IdMap::new(extents)?)
}

fn given(mappings: Option<&Vec<LinuxIdMapping>>) -> &[LinuxIdMapping] {
    mappings.map_or(&[], Vec::as_slice)
}

fn is_only(mappings: &[LinuxIdMapping], id: u32) -> bool {
    matches!(mappings, [mapping] if mapping.host_id() == id && mapping.size() == 1)
}
