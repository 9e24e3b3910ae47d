//! Makes the directories of a container, with their limits.

use std::ffi::{OsStr, OsString};
use std::mem;

use anyhow::{Context, Error, Result, ensure};
use oci_spec::runtime::{LinuxCpu, LinuxResources};
use rustix::io::Errno;

use super::directory::Directory;
use super::place::{Place, Version};
use super::write::Group;
use super::{Cgroup, limits};

impl Cgroup {
    /// Makes the directories, and writes the limits and the rules for devices. An error leaves no new directory.
    ///
    /// A directory that exists is used if it has no processes: that of another container would count and kill them
    /// too.
    pub(crate) fn create(&self, resources: Option<&LinuxResources>) -> Result<()> {
        let nothing = LinuxResources::default();
        let resources = resources.unwrap_or(&nothing);
        let groups = limits::compile(resources, |controller| self.finds(controller))?;
        let rules = self.device_rules(resources)?;
        let mut made = Made::default();
        let result = self.make(resources, &groups, &mut made).and_then(|()| {
            self.write(&groups)?;
            // The last, because a filter of version 2 in a directory that existed would stay after an error.
            rules.map_or(Ok(()), |rules| self.write_devices(&rules))
        });
        match result {
            Ok(()) => made.keep(),
            Err(_) => self.places.iter().for_each(|place| place.keep(None)),
        }
        result
    }

    fn make(&self, resources: &LinuxResources, groups: &[Group], made: &mut Made) -> Result<()> {
        for place in self.own_places() {
            let asked = resources.cpu().as_ref().filter(|_| place.has("cpuset"));
            let enabled = (place.version == Version::Two).then(|| self.enabled(groups)).flatten();
            let directory = made.make(place, enabled.as_ref(), asked)?;
            place.keep(Some(&directory));
        }
        Ok(())
    }

    /// Writes the values into the directories, which exist.
    pub(super) fn write(&self, groups: &[Group]) -> Result<()> {
        for group in groups {
            let place = self.with(group.controller).filter(|place| !place.denied);
            let place = place.with_context(|| format!("no cgroup for {}", group.field))?;
            group.apply(&place.open()?)?;
        }
        Ok(())
    }

    /// The controllers of version 2 that the cgroups above must give; `None` if there are none.
    fn enabled(&self, groups: &[Group]) -> Option<Enabled> {
        if self.places.iter().all(|place| place.version == Version::Two) {
            return Some(Enabled::All);
        }
        let groups = groups.iter().filter(|group| group.version == Version::Two);
        let names: Vec<_> = groups.flat_map(Group::controllers).collect();
        (!names.is_empty()).then_some(Enabled::These(names))
    }
}

/// The controllers that are enabled in the cgroups above.
#[derive(Debug)]
enum Enabled {
    /// All that there are, so that the use of each resource is counted, as with runc and crun.
    All,
    /// Beside version 1 only those with a limit, because it can take a controller that is not enabled.
    These(Vec<String>),
}

impl Enabled {
    /// Enables them for the cgroups below `directory`, and returns what these have then.
    ///
    /// `available` is what `directory` has. Whether a controller is missing shows when its limit is written.
    fn enable(&self, directory: &Directory, available: &str) -> Result<String, Errno> {
        let present = directory.read("cgroup.subtree_control")?;
        let is_missing = |name: &&str| !present.split_whitespace().any(|other| other == *name);
        let is_wanted = |name: &&str| match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|other| other == name),
        };
        let names = available.split_whitespace().filter(is_wanted).filter(is_missing);
        let missing: Vec<_> = names.map(|name| format!("+{name}")).collect();
        if missing.is_empty() {
            return Ok(present);
        }
        if directory.write("cgroup.subtree_control", &missing.join(" ")).is_err() {
            // One that the kernel refuses must not take the others with it.
            for name in missing {
                let _ = directory.write("cgroup.subtree_control", &name);
            }
        }
        directory.read("cgroup.subtree_control")
    }
}

/// The directories that were made, each with the one above. They are removed on drop.
#[derive(Debug, Default)]
struct Made(Vec<(Directory, OsString)>);

impl Made {
    fn keep(mut self) {
        mem::take(&mut self.0);
    }

    /// Makes the directory of a place and those above.
    fn make(
        &mut self,
        place: &Place,
        enabled: Option<&Enabled>,
        asked: Option<&LinuxCpu>,
    ) -> Result<Directory> {
        let mut above = Directory::mount_point(&place.mount)?;
        let mut is_new = false;
        let mut available = enabled.and_then(|_| above.read("cgroup.controllers").ok());
        let mut names = place.below.iter().peekable();
        while let Some(name) = names.next() {
            if let (Some(enabled), Some(names)) = (enabled, &available) {
                // Without permission the limits fail, if there are any.
                available = enabled.enable(&above, names).ok();
            }
            let directory;
            (directory, is_new) = self.enter(&above, name)?;
            if place.has("cpuset") {
                let asked = asked.filter(|_| names.peek().is_none());
                inherit(&above, &directory, is_new, asked)?;
            }
            above = directory;
        }
        above.check()?;
        if !is_new {
            refuse_used(&above)?;
        }
        Ok(above)
    }

    /// Opens a directory, and makes it if it is missing.
    fn enter(&mut self, above: &Directory, name: &OsStr) -> Result<(Directory, bool)> {
        let is_new = match above.make(name) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            // A mount that is read-only, or a user without permission there, may still have the directory.
            Err(errno) => match above.child(name) {
                Ok(directory) => return Ok((directory, false)),
                Err(_) => return Err(not_made(above, name, errno)),
            },
        };
        if is_new {
            self.0.push((above.clone(), name.to_owned()));
        }
        let path = above.path().join(name);
        let directory = above.child(name).with_context(|| format!("open {}", path.display()))?;
        Ok((directory, is_new))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        while let Some((above, name)) = self.0.pop() {
            let _ = above.remove(&name);
        }
    }
}

fn not_made(above: &Directory, name: &OsStr, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ROFS => {
            "the cgroup file system is mounted read-only; remount it, or run without a cgroup"
        }
        Errno::ACCESS | Errno::PERM => {
            "needs permission to write there; delegate a cgroup to this user"
        }
        Errno::AGAIN => "cgroup.max.descendants or cgroup.max.depth of a cgroup above is reached",
        Errno::NOSPC => "the kernel's limit of cgroups is reached",
        _ => "the kernel refuses this cgroup",
    };
    let path = above.path().join(name);
    Error::new(errno).context(format!("make the cgroup {}: {hint}", path.display()))
}

/// Fails if a directory that existed has processes, or would stop new ones.
fn refuse_used(directory: &Directory) -> Result<()> {
    let pids = directory.pids()?;
    let path = directory.path().display();
    ensure!(
        pids.is_empty(),
        "the cgroup {path} has processes already, such as {}; end them, or choose another linux.cgroupsPath",
        pids[0]
    );
    ensure!(!directory.is_frozen()?, "the cgroup {path} is frozen; thaw it");
    Ok(())
}

/// Gives a cgroup of the controller cpuset of version 1 the processors and memory nodes of the one above.
///
/// No process can be moved to a cgroup without them. What `asked` has is written with the limits.
fn inherit(
    above: &Directory,
    directory: &Directory,
    is_new: bool,
    asked: Option<&LinuxCpu>,
) -> Result<()> {
    let is_asked = |list: &Option<String>| list.as_ref().is_some_and(|list| !list.is_empty());
    let cpus = asked.is_some_and(|cpu| is_asked(cpu.cpus()));
    let mems = asked.is_some_and(|cpu| is_asked(cpu.mems()));
    for (name, alias, is_asked) in [("cpuset.cpus", "cpus", cpus), ("cpuset.mems", "mems", mems)] {
        if is_asked {
            continue;
        }
        let copied = match copy_if_empty(name, above, directory, is_new) {
            Err(Errno::NOENT) => copy_if_empty(alias, above, directory, is_new),
            copied => copied,
        };
        copied.with_context(|| format!("inherit {}", directory.file(name)))?;
    }
    Ok(())
}

fn copy_if_empty(
    file: &str,
    above: &Directory,
    directory: &Directory,
    is_empty: bool,
) -> Result<(), Errno> {
    if is_empty || directory.read(file)?.trim().is_empty() {
        directory.write(file, above.read(file)?.trim())?;
    }
    Ok(())
}
