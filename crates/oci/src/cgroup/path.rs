//! The field `linux.cgroupsPath`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::machine::Hierarchy;
use super::place::Version;

/// Where the directory of a container is requested, without `.` and repeated slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Below the mount point of each hierarchy.
    Absolute(PathBuf),
    /// Below the cgroup of the runtime.
    Relative(PathBuf),
    /// As `Relative`, with the ID of the container, because the field is missing.
    Default(PathBuf),
}

impl Wanted {
    pub(super) fn new(cgroups_path: Option<&Path>, id: &str) -> Result<Self> {
        let Some(path) = cgroups_path.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(Self::Default(normalized(Path::new(id))?));
        };
        ensure!(
            !is_systemd(path),
            "linux.cgroupsPath: {} has the form slice:prefix:name, which needs systemd, and this runtime does not use \
             it; use the cgroup manager cgroupfs, which gives a path",
            path.display()
        );
        let below = normalized(path)?;
        Ok(if path.is_absolute() { Self::Absolute(below) } else { Self::Relative(below) })
    }

    /// Whether the caller may do without, if the machine denies it.
    pub(super) fn is_optional(&self) -> bool {
        matches!(self, Self::Default(_))
    }

    /// The directory below the mount point of a hierarchy.
    ///
    /// In version 2 it is beside the cgroup of the runtime, because a cgroup that gives controllers to those below
    /// must have no processes.
    pub(super) fn below(&self, hierarchy: &Hierarchy) -> PathBuf {
        match self {
            Self::Absolute(below) => below.clone(),
            Self::Relative(below) | Self::Default(below) => parent(hierarchy).join(below),
        }
    }
}

fn parent(hierarchy: &Hierarchy) -> &Path {
    match hierarchy.version {
        Version::One => &hierarchy.own,
        Version::Two => hierarchy.own.parent().unwrap_or(&hierarchy.own),
    }
}

fn is_systemd(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    !path.is_absolute() && bytes.split(|byte| *byte == b':').count() == 3
}

/// The names of the path, which is relative then.
fn normalized(path: &Path) -> Result<PathBuf> {
    let mut below = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => below.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                bail!(
                    "linux.cgroupsPath: {} contains `..`; give the path without it",
                    path.display()
                )
            }
        }
    }
    ensure!(
        !below.as_os_str().is_empty(),
        "linux.cgroupsPath: {} is the root of the hierarchy; give a path below it",
        path.display()
    );
    Ok(below)
}
