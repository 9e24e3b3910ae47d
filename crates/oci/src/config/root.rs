//! The root of a container, and everything in it: mounts, devices, masks.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ns_process::{Container, Mount, MountAttrs, Namespace, Propagation, Tree};

use super::devices;
use super::mount::{self, Source};
use super::namespaces::Set;
use crate::bundle::Bundle;
use crate::cgroup::Cgroup;
use crate::hooks::{self, Point};

/// Sets the root and all mounts, in this order: the mounts of the configuration, devices, masks,
/// read-only paths.
pub(super) fn set(
    container: &mut Container,
    bundle: &Bundle,
    rootfs: &Path,
    cgroup: &Cgroup,
    no_pivot: bool,
) -> Result<()> {
    let linux = bundle.linux()?;
    let namespaces = Set::of(linux)?;
    let source = if namespaces.separates(Namespace::User) { Source::Opened } else { Source::Path };
    container.propagation(propagation(linux.rootfs_propagation().as_deref())?);
    if source == Source::Path || hooks::are_set(&bundle.spec, Point::CreateContainer) {
        container.rootdir(rootfs);
    } else {
        // The process may have no access to the directories above its root. A root without a path would cover the
        // programs of the hooks.
        let tree = Tree::open(rootfs).context("root.path")?.recursive();
        container.mount(Mount::tree(tree, "/"));
    }
    if no_pivot {
        container.by_chroot();
    }
    let mounts = bundle.spec.mounts().as_deref().unwrap_or_default();
    for (index, config) in mounts.iter().enumerate() {
        let name = || format!("mounts[{index}] on {}", config.destination().display());
        let mounts = mount::mounts(config, &bundle.directory, source, namespaces, cgroup);
        mounts.with_context(name)?.into_iter().for_each(|mount| {
            container.mount(mount);
        });
    }
    if !mount::binds_dev(mounts) {
        for mount in devices::defaults(linux) {
            container.mount(mount.target_outside_proc());
        }
    }
    for mount in devices::configured(linux)? {
        container.mount(mount.target_outside_proc());
    }
    if mount::is_dev_read_only(mounts) {
        container.mount(Mount::remount("/dev").set(MountAttrs::RDONLY));
    }
    for path in linux.masked_paths().iter().flatten() {
        container.mount(mount::within(Mount::mask(path), mounts));
    }
    for path in linux.readonly_paths().iter().flatten() {
        container.mount(mount::within(Mount::read_only_path(path), mounts));
    }
    let root = bundle.spec.root().as_ref();
    if root.and_then(oci_spec::runtime::Root::readonly) == Some(true) {
        container.read_only_root();
    }
    Ok(())
}

/// The propagation of all mounts before the first new one. As in runc it is "slave" by default: mounts
/// of the host appear below the sources of slave volumes.
fn propagation(value: Option<&str>) -> Result<Propagation> {
    match value.unwrap_or_default() {
        "" | "slave" | "rslave" => Ok(Propagation::Slave),
        "private" | "rprivate" => Ok(Propagation::Private),
        value @ ("shared" | "rshared" | "unbindable" | "runbindable") => {
            bail!("linux.rootfsPropagation: {value} is not supported")
        }
        value => bail!("linux.rootfsPropagation: {value:?} is no propagation type"),
    }
}
