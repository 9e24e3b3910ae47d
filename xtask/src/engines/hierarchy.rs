//! The cgroup hierarchies of the machine, of both versions.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Where engines look for cgroups.
pub(super) const CGROUPS: &str = "/sys/fs/cgroup";

/// A mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// The cgroup below which a run has its own: in version 1 that of this process, in version 2 the root, because an
    /// other cgroup with processes may not have controllers for those below it.
    pub(super) own: PathBuf,
    /// The options of mount(8) that mount it again.
    pub(super) options: Vec<String>,
}

/// Which hierarchies the engines see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Those of the machine.
    Machine,
    /// Version 2 alone, without the controllers that the machine has in version 1.
    Unified,
}

impl Layout {
    /// Selects from the hierarchies of the machine.
    pub(super) fn of(self, mut all: Vec<Hierarchy>) -> Result<Vec<Hierarchy>> {
        let is_mixed = all.iter().any(|hierarchy| !hierarchy.is_version_2());
        if self == Self::Unified {
            all.retain(Hierarchy::is_version_2);
            let unified = all.first_mut().context("the machine has no cgroups of version 2")?;
            unified.point = PathBuf::from(CGROUPS);
        } else if is_mixed {
            // crun refuses version 1 with controllers in version 2, and the controllers of a cgroup are up to its
            // parent.
            all.retain(|it| !it.is_version_2() || !it.has_delegated_controllers());
        }
        Ok(all)
    }
}

impl Hierarchy {
    fn is_version_2(&self) -> bool {
        self.options.iter().any(|option| option == "cgroup2")
    }

    /// Whether cgroups of version 2 below the root have controllers.
    fn has_delegated_controllers(&self) -> bool {
        let controllers = fs::read_to_string(self.point.join("cgroup.subtree_control"));
        controllers.is_ok_and(|controllers| !controllers.trim().is_empty())
    }
}

/// Returns the hierarchies that this process sees.
pub(super) fn all() -> Result<Vec<Hierarchy>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let cgroups = fs::read_to_string("/proc/self/cgroup")?;
    mounts.lines().filter_map(|line| parse(line, &cgroups).transpose()).collect()
}

/// Reads a line of mountinfo, unless it is of another file system.
fn parse(line: &str, cgroups: &str) -> Result<Option<Hierarchy>> {
    let (left, right) = line.split_once(" - ").context("mountinfo has a separator")?;
    let mut right = right.split(' ');
    let (kind, options) = (right.next().unwrap_or_default(), right.nth(1).unwrap_or_default());
    let point = PathBuf::from(left.split(' ').nth(4).context("mountinfo has a mount point")?);
    let hierarchy = match kind {
        "cgroup2" => Hierarchy { own: point.clone(), point, options: mount_options(kind, "") },
        "cgroup" => {
            let names = controllers(options);
            let path = own_path(cgroups, &names).trim_start_matches('/');
            Hierarchy { own: point.join(path), point, options: mount_options(kind, &names) }
        }
        _ => return Ok(None),
    };
    Ok(Some(hierarchy))
}

/// The controllers of a version 1 hierarchy, or its name, from its mount options.
fn controllers(options: &str) -> String {
    let other = ["rw", "ro", "xattr", "noprefix", "clone_children"];
    let names = options.split(',').filter(|option| !other.contains(option));
    names.filter(|option| !option.starts_with("release_agent=")).collect::<Vec<_>>().join(",")
}

fn mount_options(kind: &str, names: &str) -> Vec<String> {
    let mut options = vec!["-t".to_owned(), kind.to_owned()];
    if !names.is_empty() {
        let none = if names.starts_with("name=") { "none," } else { "" };
        options.extend(["-o".to_owned(), format!("{none}{names}")]);
    }
    options
}

/// The cgroup of this process in the hierarchy with these controllers.
fn own_path<'a>(cgroups: &'a str, names: &str) -> &'a str {
    let mut lines = cgroups.lines().map(|line| line.splitn(3, ':').skip(1));
    let path = lines.find_map(|mut fields| {
        let found = fields.next()?;
        let mut found = found.split(',');
        found.all(|name| names.split(',').any(|other| other == name)).then(|| fields.next())?
    });
    path.unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CGROUPS: &str = "4:name=systemd:/s\n3:cpu,cpuacct:/a/b\n2:memory:/\n0::/unified\n";

    fn hierarchy(line: &str) -> Option<Hierarchy> {
        parse(line, CGROUPS).unwrap()
    }

    #[test]
    fn a_hierarchy_of_version_1_has_the_cgroup_of_this_process() {
        let line = "29 25 0:24 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct";
        let found = hierarchy(line).unwrap();
        assert_eq!(found.own, PathBuf::from("/sys/fs/cgroup/cpu/a/b"));
        assert_eq!(found.options, ["-t", "cgroup", "-o", "cpu,cpuacct"]);
        let line = "30 25 0:25 / /c/systemd rw - cgroup c rw,xattr,release_agent=/x,name=systemd";
        let found = hierarchy(line).unwrap();
        assert_eq!(found.own, PathBuf::from("/c/systemd/s"));
        assert_eq!(found.options, ["-t", "cgroup", "-o", "none,name=systemd"]);
    }

    #[test]
    fn version_2_is_one_hierarchy() {
        let found = hierarchy("31 25 0:26 / /c rw,nosuid - cgroup2 cgroup2 rw,nsdelegate").unwrap();
        assert_eq!(found.own, PathBuf::from("/c"));
        assert_eq!(found.options, ["-t", "cgroup2"]);
        assert!(hierarchy("1 1 0:1 / / rw shared:1 - ext4 /dev/vda rw").is_none());
    }
}
