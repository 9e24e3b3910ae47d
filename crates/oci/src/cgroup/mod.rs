//! The cgroup of a container.

mod create;
mod devices;
mod directory;
mod exec;
mod freeze;
mod limits;
mod machine;
mod mounts;
mod owner;
mod path;
mod place;
mod plan;
mod processes;
mod remove;
mod stats;
#[cfg(test)]
mod tests;
mod write;

use std::os::fd::OwnedFd;

use anyhow::Result;
use oci_spec::runtime::LinuxResources;
use serde::{Deserialize, Serialize};

pub(crate) use mounts::{CgroupMounts, HierarchyMount};
use place::{Place, Version};
pub(crate) use stats::Stats;

/// Where the processes of a container are counted and limited.
///
/// It has a directory in each hierarchy of version 1 and in the one of version 2, as far as they are mounted. It is
/// part of the stored state. A clone shares the open directories.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Cgroup {
    /// Those of version 1 first.
    places: Vec<Place>,
    rootless: bool,
}

impl Cgroup {
    /// As on a machine without cgroups.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { places: Vec::new(), rootless: false }
    }

    /// The same hierarchies without directories of the container: its processes stay in the cgroups of the runtime.
    pub(crate) fn without_directories(mut self) -> Self {
        for place in &mut self.places {
            place.deny();
        }
        self
    }

    /// Whether processes stay where they are.
    pub(crate) fn is_none(&self) -> bool {
        self.own_places().next().is_none()
    }

    /// The open directory of version 2, if there is one: for CLONE_INTO_CGROUP.
    pub(crate) fn directory(&self) -> Result<Option<OwnedFd>> {
        let Some(place) = self.version_2() else { return Ok(None) };
        Ok(Some(place.open()?.duplicate()?))
    }

    /// Changes the limits of a container that exists. What `resources` does not name stays.
    pub(crate) fn update(&self, resources: &LinuxResources) -> Result<()> {
        let groups = limits::compile(resources, |controller| self.finds(controller))?;
        let rules = self.device_rules(resources)?;
        self.check_memory(resources)?;
        self.write(&groups)?;
        rules.map_or(Ok(()), |rules| self.write_devices(&rules))
    }

    /// Fails if `checkBeforeUpdate` asks for it and a limit of version 2 is below what is in use.
    fn check_memory(&self, resources: &LinuxResources) -> Result<()> {
        let memory = resources.memory().as_ref();
        let memory = memory.filter(|memory| memory.check_before_update() == Some(true));
        let place = self.version_2().filter(|_| self.finds("memory") == Ok(Version::Two));
        let (Some(memory), Some(place)) = (memory, place) else { return Ok(()) };
        limits::check(memory, &place.open()?)
    }

    /// The places with a directory of this container.
    fn own_places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| !place.denied)
    }

    fn version_2(&self) -> Option<&Place> {
        self.own_places().find(|place| place.version == Version::Two)
    }
}
