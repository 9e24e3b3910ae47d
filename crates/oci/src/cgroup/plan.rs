//! Finds the directories of a container. Nothing is made.

use std::path::Path;

use anyhow::{Result, ensure};
use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::machine::{self, Hierarchy};
use super::path::Wanted;
use super::place::{Place, Version};
use super::{Cgroup, limits};

impl Cgroup {
    /// Plans the directories of the container `id`, in all hierarchies of this machine.
    ///
    /// A rootless runtime without `cgroups_path` does without those that it may not make; limits that need them are
    /// then errors of [`create`](Self::create).
    pub(crate) fn plan(cgroups_path: Option<&Path>, id: &str, rootless: bool) -> Result<Self> {
        let wanted = Wanted::new(cgroups_path, id)?;
        let hierarchies = machine::hierarchies()?;
        ensure!(
            rootless || !hierarchies.is_empty(),
            "no cgroup hierarchy is mounted below /sys/fs/cgroup; mount cgroup2 there"
        );
        let optional = rootless && wanted.is_optional();
        let places = hierarchies.into_iter().map(|hierarchy| place(hierarchy, &wanted, optional));
        Ok(Self { places: places.collect(), rootless })
    }

    /// The version of the hierarchy with this controller of version 1, or why there is none.
    pub(super) fn finds(&self, controller: &'static str) -> Result<Version, limits::Absent> {
        if let Some(place) = self.with(controller) {
            return if place.denied { Err(limits::Absent::Denied) } else { Ok(place.version) };
        }
        Err(if self.places.is_empty() { limits::Absent::Unused } else { limits::Absent::Missing })
    }

    /// The place with this controller: of version 1 if a hierarchy has it, else that of version 2.
    pub(super) fn with(&self, controller: &str) -> Option<&Place> {
        let first = self.places.iter().find(|place| place.has(controller));
        first.or_else(|| self.places.iter().find(|place| place.version == Version::Two))
    }
}

fn place(hierarchy: Hierarchy, wanted: &Wanted, optional: bool) -> Place {
    let below = wanted.below(&hierarchy);
    let denied = optional && !may_make(&hierarchy, &below);
    let Hierarchy { version, controllers, mount, root, own } = hierarchy;
    let mut place = Place::new(version, controllers, mount, root, own, below);
    if denied {
        place.deny();
    }
    place
}

/// Whether this process may make the directory, and move a process to it from beside.
fn may_make(hierarchy: &Hierarchy, below: &Path) -> bool {
    let parent = hierarchy.mount.join(below.parent().unwrap_or(Path::new("")));
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    let moves =
        hierarchy.version == Version::One || may(&parent.join("cgroup.procs"), Access::WRITE_OK);
    may(&parent, Access::WRITE_OK | Access::EXEC_OK) && moves
}
