//! The cgroup of a process that joins a container.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Cgroup;
use super::directory::{Directory, read_file};
use super::place::{Place, Version};

impl Cgroup {
    /// The open directory of version 2 for a process that joins the container whose first process is `init`.
    ///
    /// That is the container's own, unless an init system in the container gives controllers to cgroups that it made
    /// below: then the kernel allows no process there, and the directory is that of `init`.
    pub(crate) fn directory_to_join(&self, init: u32) -> Result<Option<OwnedFd>> {
        let Some(place) = self.version_2() else { return Ok(None) };
        let own = place.open()?;
        let below = if gives_controllers(&own) { place.of_process(init)? } else { None };
        let directory = below.map(|below| own.descend(&below)).transpose()?;
        Ok(Some(directory.unwrap_or(own).duplicate()?))
    }
}

fn gives_controllers(directory: &Directory) -> bool {
    directory.read("cgroup.subtree_control").is_ok_and(|text| !text.trim().is_empty())
}

impl Place {
    /// The directory of a process, below this one of version 2.
    fn of_process(&self, pid: u32) -> Result<Option<PathBuf>> {
        debug_assert_eq!(self.version, Version::Two);
        let text = read_file(&format!("/proc/{pid}/cgroup"))?;
        let path = text.lines().find_map(|line| line.strip_prefix("0::"));
        let below = path.and_then(|path| Path::new(path).strip_prefix(self.group()).ok());
        Ok(below.map(Path::to_owned))
    }
}
