//! The mount of type `cgroup`.

use std::path::Path;

use anyhow::{Result, bail};
use ns_process::{Mount, MountAttrs, Namespace};

use super::{Options, Set};
use crate::cgroup::{Cgroup, CgroupMounts, HierarchyMount};

/// Mounts the cgroups of the container: one file system of version 2, or a directory with one of each
/// hierarchy of version 1.
///
/// In a new cgroup namespace they are new mounts, else the directories of the host are bound.
pub(super) fn mounts(
    target: &Path,
    options: &Options,
    namespaces: Set,
    cgroup: &Cgroup,
) -> Result<Vec<Mount>> {
    let is_new = namespaces.makes(Namespace::Cgroup);
    match cgroup.mounts() {
        CgroupMounts::None => bail!("no cgroups are mounted on this machine"),
        CgroupMounts::Version2(directory) => {
            let mount = if is_new {
                Mount::new("cgroup2", "cgroup", target)
            } else {
                Mount::bind(directory, target)
            };
            Ok(vec![options.change(mount.create())])
        }
        CgroupMounts::Version1(hierarchies) => {
            let attrs = MountAttrs::NOSUID | MountAttrs::NODEV | MountAttrs::NOEXEC;
            let mut mounts = vec![Mount::tmpfs(target).set(attrs).data("mode=755").create()];
            for hierarchy in &hierarchies {
                mounts.extend(version_1(hierarchy, target, options, is_new));
            }
            // Links and directories are created in it first.
            mounts.push(options.change(Mount::remount(target)));
            Ok(mounts)
        }
    }
}

/// One hierarchy, and the links to it.
fn version_1(
    hierarchy: &HierarchyMount,
    target: &Path,
    options: &Options,
    is_new: bool,
) -> Vec<Mount> {
    let at = target.join(&hierarchy.name);
    let mount = if is_new {
        Mount::new("cgroup", "cgroup", at).data(&hierarchy.options)
    } else {
        Mount::bind(&hierarchy.directory, at)
    };
    let links = hierarchy.links.iter();
    let links = links.map(|link| Mount::symlink(&hierarchy.name, target.join(link)));
    std::iter::once(options.change(mount.create())).chain(links).collect()
}
