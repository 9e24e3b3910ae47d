//! What a mount of type `cgroup` in the configuration shows.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::Cgroup;
use super::place::{Place, Version};

/// What a mount of type `cgroup` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CgroupMounts {
    /// No hierarchy is known.
    None,
    /// A tmpfs with a directory for each hierarchy.
    Version1(Vec<HierarchyMount>),
    /// One hierarchy, at the target itself. This is the container's directory on this machine.
    Version2(PathBuf),
}

/// A hierarchy of version 1 in a mount of type `cgroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HierarchyMount {
    /// The name of the directory: "memory", "cpu,cpuacct", "systemd".
    pub(crate) name: String,
    /// The names of symbolic links to it.
    pub(crate) links: Vec<String>,
    /// The container's directory on this machine, for a bind mount.
    pub(crate) directory: PathBuf,
    /// The options of a mount of its own in a new cgroup namespace, such as "cpu,cpuacct" or "name=systemd".
    pub(crate) options: String,
}

impl Cgroup {
    /// What a mount of type `cgroup` shows. Where the container has no directory of its own it is the runtime's.
    pub(crate) fn mounts(&self) -> CgroupMounts {
        let is_one = |place: &&Place| place.version == Version::One;
        let hierarchies: Vec<_> = self.places.iter().filter(is_one).map(hierarchy).collect();
        match self.places.first() {
            None => CgroupMounts::None,
            Some(first) if hierarchies.is_empty() => CgroupMounts::Version2(first.path()),
            Some(_) => CgroupMounts::Version1(hierarchies),
        }
    }
}

fn hierarchy(place: &Place) -> HierarchyMount {
    let name = place.mount.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let links = place.controllers.iter().filter(|controller| **controller != name);
    let has_controllers = !place.controllers.iter().any(|name| name.starts_with("name="));
    HierarchyMount {
        links: links.filter(|_| has_controllers).cloned().collect(),
        directory: place.path(),
        options: place.controllers.join(","),
        name: name.into_owned(),
    }
}
